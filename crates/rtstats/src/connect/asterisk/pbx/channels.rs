//! The channels that are up in the PBX, by their unique ids.

use std::collections::HashMap;

/// One channel.
#[derive(Debug, Default)]
pub struct Channel {
    /// The device that it belongs to, such as `PJSIP/101`; empty for the far half of a Local pair.
    pub device: String,
    /// The call that it is part of.
    pub linked: String,
    /// It is up.
    pub up: bool,
    /// Its device has begun the call: it dials in.
    pub dials_in: bool,
    /// Somebody asked for its end.
    pub hangup_requested: bool,
    /// Visits that it has made.
    pub visits: u32,
    /// An agent is logged in through it and waits on it for calls: it is no call itself.
    pub is_login: bool,
    /// A queue has dialed it: it is no call beside the queues, also when the queue is done with it.
    pub is_dialed_by_queue: bool,
    /// The bridge in which a listing found it.
    pub bridge: String,
}

/// All channels.
#[derive(Debug, Default)]
pub struct Channels {
    by_id: HashMap<String, Channel>,
}

impl Channels {
    /// A channel.
    pub fn get(&self, id: &str) -> Option<&Channel> {
        self.by_id.get(id)
    }

    /// A channel, to be changed.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Channel> {
        self.by_id.get_mut(id)
    }

    /// The channel with this id, new if need be.
    pub fn entry(&mut self, id: &str) -> &mut Channel {
        if !self.by_id.contains_key(id) {
            self.by_id.insert(id.to_owned(), Channel::default());
        }
        // It was there or was put there.
        self.by_id.get_mut(id).unwrap_or_else(|| unreachable!())
    }

    /// A channel ends.
    pub fn remove(&mut self, id: &str) -> Option<Channel> {
        self.by_id.remove(id)
    }

    /// Forgets all: what is up is told anew.
    pub fn clear(&mut self) {
        self.by_id.clear();
    }

    /// All channels, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Channel)> {
        self.by_id.iter().map(|(id, channel)| (id.as_str(), channel))
    }

    /// The call that a channel is part of; its own id where it is not known.
    pub fn linked<'a>(&'a self, id: &'a str) -> &'a str {
        self.by_id.get(id).map_or(id, |channel| &channel.linked)
    }
}

/// The device of a channel's name, such as `PJSIP/101` of `PJSIP/101-0000002a`.
pub fn device_of(channel: &str) -> &str {
    let name = match channel.split_once(';') {
        Some((name, "1")) => name,
        Some(_) => return "",
        None => channel,
    };
    name.rsplit_once('-').map_or(name, |(device, _number)| device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_names_its_device() {
        assert_eq!(device_of("PJSIP/101-0000002a"), "PJSIP/101");
        assert_eq!(device_of("Local/l1@agents-00000001;1"), "Local/l1@agents");
        assert_eq!(device_of("Local/l1@agents-00000001;2"), "");
        assert_eq!(device_of("PJSIP/a-b-00000001"), "PJSIP/a-b");
    }
}
