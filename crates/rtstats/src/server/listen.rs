//! Binding the port once for each thread.

use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 4_096;

/// What the kernel takes of an answer before it has sent the rest. Without this bound it takes megabytes for each of
/// hundreds of slow readers, and large answers go out in bursts instead of evenly.
const UNSENT_BYTES_MAX: u32 = 128 * 1_024;

/// An address can't be listened on.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address} ({setting}): {error}{advice}")]
pub struct ListenError {
    address: SocketAddr,
    setting: &'static str,
    error: std::io::Error,
    advice: &'static str,
}

/// `threads` listeners on one address; port 0 takes a free one. An error names the setting that the address is from.
pub fn bind(
    address: SocketAddr,
    setting: &'static str,
    threads: usize,
) -> Result<Vec<TcpListener>, ListenError> {
    let failed = |error: std::io::Error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                " (another program listens there; choose another port)"
            }
            std::io::ErrorKind::PermissionDenied => " (ports below 1024 need a permission)",
            _ => "",
        };
        ListenError { address, setting, error, advice }
    };
    // Sharing a port would also share it with another server of the same user: so it must be free first.
    let probe = socket(address, false).map_err(failed)?;
    let bound = probe.local_addr().map_err(failed)?.as_socket().unwrap_or(address);
    drop(probe);
    let shared = (0..threads.max(1)).map(|_| {
        let socket = socket(bound, true)?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener::from(socket))
    });
    shared.collect::<Result<_, _>>().map_err(failed)
}

fn socket(address: SocketAddr, shared: bool) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(shared)?;
    // Accepted connections inherit it.
    #[cfg(target_os = "linux")]
    socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_threads_share_a_port_that_nobody_else_may_have() {
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = bind(local, "listen", 3).unwrap();
        let address = listeners[0].local_addr().unwrap();
        assert!(listeners.iter().all(|listener| listener.local_addr().unwrap() == address));
        let error = bind(address, "admin.listen", 1).unwrap_err().to_string();
        assert!(error.contains("(admin.listen)"), "{error}");
        assert!(error.contains("choose another port"), "{error}");
    }
}
