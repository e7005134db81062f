//! What a tenant's queues are like as a minute ends: taken from the figures, packed for the database, shown as JSON.

use stats::{document::QueueRow, event::Millis};

/// One queue at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Its number.
    pub queue: u32,
    /// queue-size.
    pub waiting: u32,
    /// thirty-min-sla-activity: -1 to 100.
    pub sla: i8,
    /// number-in-offered.
    pub offered: u32,
    /// number-in-progress.
    pub in_progress: u32,
}

/// What the numbers of a shown point are.
pub const FIELDS: [&str; 5] = ["queue-id", "waiting", "sla", "offered", "in-progress"];

/// The queues at which there is anything to see, by number.
pub fn points(queues: &[QueueRow]) -> Vec<Point> {
    let count = |value: i64| u32::try_from(value).unwrap_or_default();
    let points = queues.iter().map(|row| Point {
        queue: count(row.queue_id),
        waiting: count(row.queue_size),
        sla: i8::try_from(row.thirty_min_sla_activity).unwrap_or(-1),
        offered: count(row.number_in_offered),
        in_progress: count(row.number_in_progress),
    });
    let quiet = |point: &Point| {
        point.waiting == 0 && point.sla < 0 && point.offered == 0 && point.in_progress == 0
    };
    points.filter(|point| !quiet(point)).collect()
}

/// Five numbers a queue, small ones in one byte; queues by their distance from the one before.
pub fn pack(points: &[Point]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(points.len() * FIELDS.len());
    let mut before = 0;
    for point in points {
        let sla = point.sla.wrapping_add(1).unsigned_abs();
        for number in [
            point.queue.wrapping_sub(before),
            point.waiting,
            u32::from(sla),
            point.offered,
            point.in_progress,
        ] {
            push(&mut bytes, number);
        }
        before = point.queue;
    }
    bytes
}

/// What was packed; none where the bytes are no such thing.
pub fn unpack(mut bytes: &[u8]) -> Option<Vec<Point>> {
    let mut points = Vec::with_capacity(bytes.len() / FIELDS.len());
    let mut queue: u32 = 0;
    while !bytes.is_empty() {
        queue = queue.wrapping_add(pull(&mut bytes)?);
        let waiting = pull(&mut bytes)?;
        let sla = i8::try_from(pull(&mut bytes)?).ok()?.wrapping_sub(1);
        let (offered, in_progress) = (pull(&mut bytes)?, pull(&mut bytes)?);
        points.push(Point { queue, waiting, sla, offered, in_progress });
    }
    Some(points)
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn push(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn pull(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for shift in (0..32).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// A point of the trends as JSON.
pub fn write(minute: Millis, points: &[Point], out: &mut String) {
    use std::fmt::Write as _;
    // Writing to a String does not fail.
    let _ = write!(out, "{{\"time\":{minute},\"queues\":[");
    for (number, Point { queue, waiting, sla, offered, in_progress }) in points.iter().enumerate() {
        let comma = if number > 0 { "," } else { "" };
        let _ = write!(out, "{comma}[{queue},{waiting},{sla},{offered},{in_progress}]");
    }
    out.push_str("]}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_point() -> impl Strategy<Value = Point> {
        (1..=i32::MAX as u32, 0..2_000_000_u32, -1..=100_i8, any::<u32>(), 0..300_u32).prop_map(
            |(queue, waiting, sla, offered, in_progress)| Point {
                queue,
                waiting,
                sla,
                offered,
                in_progress,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(points in prop::collection::vec(any_point(), 0..50)) {
            prop_assert_eq!(unpack(&pack(&points)), Some(points));
        }

        #[test]
        fn any_bytes_are_points_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(points) = unpack(&bytes) {
                prop_assert_eq!(unpack(&pack(&points)), Some(points));
            }
        }
    }

    #[test]
    fn a_small_queue_takes_five_bytes() {
        let point = Point { queue: 7, waiting: 3, sla: 85, offered: 0, in_progress: 4 };
        assert_eq!(pack(&[point, Point { queue: 115, ..point }]).len(), 10);
        let mut json = String::new();
        write(60_000, &[point, Point { sla: -1, ..point }], &mut json);
        assert_eq!(json, r#"{"time":60000,"queues":[[7,3,85,0,4],[7,3,-1,0,4]]}"#);
    }
}
