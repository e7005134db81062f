//! One rendered document with its compressed forms, each made when it is first asked for.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::HeaderValue;
use tokio::sync::OnceCell;

use super::{encoding::Encoding, header};
use crate::telemetry::Metrics;

/// A body that is worth compressing: below, headers and the work cost more than the bytes.
const COMPRESSED_FROM_BYTES: usize = 512;

/// Bodies from here on are compressed beside the connections' threads.
const COMPRESSED_ASIDE_FROM_BYTES: usize = 16 * 1_024;

/// One rendered document.
pub struct Document {
    hash: u64,
    plain: Form,
    compressed: [OnceCell<Form>; 3],
}

/// A document as it goes over the wire.
#[derive(Clone)]
pub struct Form {
    /// How it is compressed.
    pub encoding: Encoding,
    /// The body.
    pub bytes: Bytes,
    /// The strong validator of this form.
    pub etag: HeaderValue,
}

impl Document {
    /// A document of these bytes.
    pub fn new(bytes: Bytes) -> Document {
        let hash = xxhash_rust::xxh3::xxh3_64(&bytes);
        let plain = Form::new(Encoding::Identity, bytes, hash);
        Document { hash, plain, compressed: Default::default() }
    }

    /// The bytes as they are.
    pub fn plain(&self) -> Bytes {
        self.plain.bytes.clone()
    }

    /// The validator of the form that `accepted` leads to, without making that form.
    pub fn etag(&self, accepted: Encoding) -> HeaderValue {
        match self.worth(accepted) {
            Encoding::Identity => self.plain.etag.clone(),
            encoding => etag(self.hash, encoding),
        }
    }

    /// The form for a client that would take `accepted`.
    pub async fn form(self: &Arc<Self>, accepted: Encoding, metrics: &Metrics) -> Form {
        let encoding = self.worth(accepted);
        let Some(place) = encoding.place() else { return self.plain.clone() };
        if let Some(form) = self.compressed[place].get() {
            return form.clone();
        }
        // A task of its own: whoever asked first may go away, and others wait for this one.
        let (document, metrics) = (self.clone(), metrics.clone());
        let compressing =
            tokio::spawn(async move { document.compressed(encoding, place, &metrics).await });
        compressing.await.expect("compressing panics for no bytes, and nobody cancels it")
    }

    /// The body of a form, if it has been made.
    pub fn made_form(&self, encoding: Encoding) -> Option<Bytes> {
        let form = match encoding.place() {
            None => &self.plain,
            Some(place) => self.compressed[place].get()?,
        };
        Some(form.bytes.clone())
    }

    async fn compressed(&self, encoding: Encoding, place: usize, metrics: &Metrics) -> Form {
        let form = self.compressed[place].get_or_init(async || {
            let begun = Instant::now();
            let plain = self.plain.bytes.clone();
            let compress = move || encoding.compress(&plain);
            let bytes = if self.plain.bytes.len() < COMPRESSED_ASIDE_FROM_BYTES {
                compress()
            } else {
                let compressed = tokio::task::spawn_blocking(compress).await;
                compressed.expect("compressing panics for no bytes, and nobody cancels it")
            };
            if let Some(named) = encoding.metric() {
                metrics.compress(named, self.plain.bytes.len(), bytes.len(), begun.elapsed());
            }
            Form::new(encoding, bytes.into(), self.hash)
        });
        form.await.clone()
    }

    fn worth(&self, accepted: Encoding) -> Encoding {
        if self.plain.bytes.len() < COMPRESSED_FROM_BYTES { Encoding::Identity } else { accepted }
    }
}

impl Form {
    fn new(encoding: Encoding, bytes: Bytes, hash: u64) -> Form {
        Form { encoding, bytes, etag: etag(hash, encoding) }
    }
}

fn etag(hash: u64, encoding: Encoding) -> HeaderValue {
    match encoding.name() {
        None => header(&format!("\"{hash:016x}\"")),
        Some(name) => header(&format!("\"{hash:016x}-{name}\"")),
    }
}
