//! A manager interface as Asterisk has it, as much of it as a connector asks: one queue, one member, callers that a test
//! lets come.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::server::PATIENCE;

/// The secret of its user; a login is by challenge, and this is never sent.
pub const SECRET: &str = "hidden-secret-of-the-pbx";

/// A PBX at work.
pub struct Pbx {
    pub address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    streams: Vec<TcpStream>,
    logins: usize,
    refuses: bool,
    /// Unique ids of the callers that wait.
    callers: Vec<String>,
}

impl Pbx {
    pub fn start() -> Pbx {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let pbx = Pbx { address: listener.local_addr().unwrap(), shared: Arc::default() };
        let shared = pbx.shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = shared.clone();
                // A connection ends when its other side does, or the test cuts it.
                thread::spawn(move || drop(serve(stream, &shared)));
            }
        });
        pbx
    }

    /// Refuses all logins from now on.
    pub fn refuse(&self) {
        self.shared.lock().unwrap().refuses = true;
    }

    /// A caller joins the queue.
    pub fn join(&self, caller: &str) {
        self.shared.lock().unwrap().callers.push(caller.to_owned());
        self.tell(&format!(
            "Event: QueueCallerJoin\r\nChannel: Local/{caller}@callers\r\nChannelState: 6\r\nUniqueid: {caller}\r\n\
             Linkedid: {caller}\r\nQueue: sales\r\nPosition: 1\r\nCount: 1\r\n\r\n"
        ));
    }

    /// A caller joins while nobody is told.
    pub fn join_unheard(&self, caller: &str) {
        self.shared.lock().unwrap().callers.push(caller.to_owned());
    }

    /// Cuts every line.
    pub fn cut(&self) {
        for stream in self.shared.lock().unwrap().streams.drain(..) {
            // The other side may have ended already.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Waits until so many logins have been counted since the start.
    pub fn wait_for_logins(&self, logins: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.shared.lock().unwrap().logins < logins {
            assert!(Instant::now() < deadline, "nobody logs in");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn tell(&self, event: &str) {
        for mut stream in &self.shared.lock().unwrap().streams {
            stream.write_all(event.as_bytes()).unwrap();
        }
    }
}

fn serve(mut stream: TcpStream, shared: &Mutex<Shared>) -> std::io::Result<()> {
    stream.write_all(b"Asterisk Call Manager/5.0.2\r\n")?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut fields: Vec<(String, String)> = Vec::new();
    while let Some(line) = lines.next().transpose()? {
        if let Some((key, value)) = line.split_once(':') {
            fields.push((key.to_owned(), value.trim().to_owned()));
            continue;
        }
        let field = |name: &str| {
            let found = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map_or(String::new(), |(_, value)| value.clone())
        };
        let mut shared = shared.lock().unwrap();
        assert!(!fields.iter().any(|(_, value)| value.contains(SECRET)), "the secret is sent");
        let id = format!("ActionID: {}\r\n", field("ActionID"));
        let (word, rest) = answer(&field("Action"), &id, &mut shared);
        stream.write_all(format!("Response: {word}\r\n{id}{rest}").as_bytes())?;
        if field("Action") == "Login" && word == "Success" {
            shared.streams.push(stream.try_clone()?);
            shared.logins += 1;
        }
        fields.clear();
    }
    Ok(())
}

fn answer(action: &str, id: &str, shared: &mut Shared) -> (&'static str, String) {
    match action {
        "Challenge" => ("Success", "Challenge: 1234\r\n\r\n".to_owned()),
        "Login" if shared.refuses => ("Error", "Message: Authentication failed\r\n\r\n".to_owned()),
        "Login" => ("Success", "Message: Authentication accepted\r\n\r\n".to_owned()),
        "QueueStatus" => ("Success", queues(id, &shared.callers)),
        "CoreShowChannels" => (
            "Success",
            format!(
                "EventList: start\r\n\r\nEvent: CoreShowChannelsComplete\r\n{id}EventList: Complete\r\nListItems: 0\r\n\r\n"
            ),
        ),
        "Ping" => ("Success", "Ping: Pong\r\n\r\n".to_owned()),
        "Logoff" => ("Goodbye", "Message: Thanks for all the fish.\r\n\r\n".to_owned()),
        _ => ("Error", "Message: Invalid/unknown command\r\n\r\n".to_owned()),
    }
}

fn queues(id: &str, callers: &[String]) -> String {
    let mut list = format!(
        "EventList: start\r\nMessage: Queue status will follow\r\n\r\n\
         Event: QueueParams\r\n{id}Queue: sales\r\nMax: 0\r\nStrategy: ringall\r\nCalls: {}\r\nHoldtime: 0\r\n\
         TalkTime: 0\r\nCompleted: 0\r\nAbandoned: 0\r\nServiceLevel: 20\r\nServicelevelPerf: 0.0\r\nWeight: 0\r\n\r\n\
         Event: QueueMember\r\n{id}Queue: sales\r\nName: Ann\r\nLocation: PJSIP/101\r\n\
         StateInterface: PJSIP/101\r\nMembership: static\r\nPenalty: 0\r\nCallsTaken: 0\r\nLastCall: 0\r\n\
         InCall: 0\r\nStatus: 1\r\nPaused: 0\r\nPausedReason: \r\nWrapuptime: 0\r\n\r\n",
        callers.len()
    );
    for (index, caller) in callers.iter().enumerate() {
        list += &format!(
            "Event: QueueEntry\r\n{id}Queue: sales\r\nPosition: {}\r\nChannel: Local/{caller}@callers\r\n\
             Uniqueid: {caller}\r\nWait: 0\r\nPriority: 0\r\n\r\n",
            index + 1
        );
    }
    list + &format!(
        "Event: QueueStatusComplete\r\n{id}EventList: Complete\r\nListItems: {}\r\n\r\n",
        2 + callers.len()
    )
}
