//! One HTTP/2 connection over TLS: one request after the other, answers counted.

use h2::client::SendRequest;
use http::{Request, header};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::connection::{Answer, Failure, connect};
use super::target::Target;

/// What a server may send before it hears of us: windows are to be nobody's limit here.
const WINDOW_BYTES: u32 = 16 << 20;

/// An open connection; it ends when this is dropped.
pub struct Http2 {
    requests: SendRequest<bytes::Bytes>,
    driver: JoinHandle<()>,
}

impl Http2 {
    /// Connects and shakes hands; the target must be one for HTTP/2.
    pub async fn open(target: &Target) -> Result<Http2, Failure> {
        let tcp = connect(target).await.map_err(|error| Failure::io("connect", &error))?;
        tcp.set_nodelay(true).map_err(|error| Failure::io("connect", &error))?;
        // The port stays free, as with HTTP/1.1.
        tcp.set_zero_linger().map_err(|error| Failure::io("connect", &error))?;
        let tls = TlsConnector::from(target.tls.clone()).connect(target.name.clone(), tcp).await;
        let tls = tls.map_err(Failure::tls)?;
        if tls.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(Failure("the server speaks no HTTP/2".into()));
        }
        let (requests, connection) = h2::client::Builder::new()
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .handshake(tls)
            .await
            .map_err(Failure::http2)?;
        let driver = tokio::spawn(async move {
            // How it ended is told by the requests.
            let _ = connection.await;
        });
        Ok(Http2 { requests, driver })
    }

    /// Sends a request and takes the whole answer; its body isn't kept.
    pub async fn exchange(&mut self, request: &Request<()>) -> Result<Answer, Failure> {
        let mut requests = self.requests.clone().ready().await.map_err(Failure::http2)?;
        let (answer, _) = requests.send_request(request.clone(), true).map_err(Failure::http2)?;
        let (head, mut body) = answer.await.map_err(Failure::http2)?.into_parts();
        let etag = head.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
        let mut whole = Answer::default();
        whole.status = head.status.as_u16();
        whole.etag = etag.map(str::to_owned);
        while let Some(part) = body.data().await {
            let part = part.map_err(Failure::http2)?;
            whole.bytes += part.len();
            body.flow_control().release_capacity(part.len()).map_err(Failure::http2)?;
        }
        Ok(whole)
    }
}

impl Drop for Http2 {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
