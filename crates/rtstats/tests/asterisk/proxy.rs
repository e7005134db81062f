//! The line between rtstats and the PBX, which the test can cut and slow down.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

#[derive(Default)]
struct Line {
    is_cut: AtomicBool,
    delay_ms: AtomicU64,
    streams: Mutex<Vec<TcpStream>>,
}

/// Listens on a port of its own and passes on what comes.
pub struct Proxy {
    pub port: u16,
    line: Arc<Line>,
}

impl Proxy {
    /// A line to a port of this machine.
    pub fn to(target: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = Arc::new(Line::default());
        let kept = line.clone();
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                // Whoever calls while the line is cut, or the PBX is down, is hung up on.
                if !kept.is_cut.load(Ordering::SeqCst)
                    && let Ok(far) = TcpStream::connect(("127.0.0.1", target))
                {
                    join(&kept, near, far);
                }
            }
        });
        Proxy { port, line }
    }

    /// Ends all connections, and lets none through until `mend`.
    pub fn cut(&self) {
        self.line.is_cut.store(true, Ordering::SeqCst);
        for stream in self.line.streams.lock().unwrap().drain(..) {
            // The other side may have closed it.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn mend(&self) {
        self.line.is_cut.store(false, Ordering::SeqCst);
    }

    /// From now on each piece that the PBX says comes so much later than the one before it was passed on.
    pub fn slow_down(&self, delay: Duration) {
        self.line.delay_ms.store(delay.as_millis() as u64, Ordering::SeqCst);
    }
}

fn join(line: &Arc<Line>, near: TcpStream, far: TcpStream) {
    let _ = near.set_nodelay(true);
    let _ = far.set_nodelay(true);
    let copies = [near.try_clone().unwrap(), far.try_clone().unwrap()];
    line.streams.lock().unwrap().extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
    let [near_out, far_out] = copies;
    thread::spawn(move || pass(near, far_out, || 0));
    let slow = line.clone();
    thread::spawn(move || pass(far, near_out, || slow.delay_ms.load(Ordering::SeqCst)));
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay_ms: impl Fn() -> u64) {
    let mut buffer = [0; 16_384];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        match delay_ms() {
            0 => {}
            delay_ms => thread::sleep(Duration::from_millis(delay_ms)),
        }
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    // Either may be gone already.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
