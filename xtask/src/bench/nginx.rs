//! nginx as the yardstick: the same bytes from files, over TLS 1.3 with Basic auth, set up as fast as it goes.
//!
//! A worker for each processor, which accept on a socket of their own, connections that never end, no access log, open files
//! cached, passwords compared in the clear (the cheapest that it has), a certificate of the kind that rtstats makes, and
//! compressed documents ready as files.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::free_address;
use super::halves::Halves;
use crate::load::process;
use crate::load::target::Address;

/// What nginx serves.
pub struct Document {
    pub path: String,
    pub bytes: Vec<u8>,
    /// The same compressed by gzip, if it is served so to those who take it.
    pub gzip: Option<Vec<u8>>,
}

/// A running nginx; it is ended when this is dropped.
pub struct Nginx {
    child: Child,
    folder: PathBuf,
    listen: SocketAddr,
}

impl Nginx {
    /// Writes the documents and the passwords (name and token of each tenant) below `folder`, and starts nginx, on its half of
    /// the processors if there are halves.
    pub fn start(
        folder: &Path,
        documents: &[Document],
        users: &[(&str, &str)],
        halves: Option<&Halves>,
    ) -> Result<Nginx> {
        let listen = free_address()?;
        for document in documents {
            let file = folder.join("html").join(document.path.trim_start_matches('/'));
            std::fs::create_dir_all(file.parent().unwrap_or(folder))?;
            std::fs::write(&file, &document.bytes)?;
            if let Some(gzip) = &document.gzip {
                let mut name = file.into_os_string();
                name.push(".gz");
                std::fs::write(name, gzip)?;
            }
        }
        let passwords = users.iter().map(|(name, token)| format!("{name}:{{PLAIN}}{token}\n"));
        std::fs::write(folder.join("passwords"), passwords.collect::<String>())?;
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).context("no certificate")?;
        std::fs::write(folder.join("certificate.pem"), made.cert.pem())?;
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem())?;
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = halves.map_or(all, |halves| halves.count);
        std::fs::write(folder.join("nginx.conf"), settings(folder, listen, workers))?;
        let child = of(folder, Halves::server(halves, "nginx"))
            .args(["-g", "daemon off;"])
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start nginx; on Debian: apt-get install nginx")?;
        let nginx = Nginx { child, folder: folder.to_owned(), listen };
        let begin = Instant::now();
        while TcpStream::connect(listen).is_err() {
            ensure!(begin.elapsed() < Duration::from_secs(10), "nginx does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(nginx)
    }

    /// The master's process and its workers'.
    pub fn pids(&self) -> Vec<u32> {
        process::family(self.child.id())
    }

    /// Where a load goes.
    pub fn address(&self, path: &str, user: &str, token: &str) -> Address {
        Address {
            url: format!("https://{}{path}", self.listen),
            user: Some(format!("{user}:{token}")),
            cacert: None,
            insecure: true,
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Asked to stop, the master ends its workers; killed, it would leave them behind.
        let asked = of(&self.folder, Command::new("nginx")).args(["-s", "stop"]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// A command of the nginx in this folder.
fn of(folder: &Path, mut command: Command) -> Command {
    command.arg("-p").arg(folder).arg("-e").arg(folder.join("error.log"));
    command.arg("-c").arg(folder.join("nginx.conf"));
    command
}

fn settings(folder: &Path, listen: SocketAddr, workers: usize) -> String {
    let folder = folder.display();
    format!(
        "# As root, so that the workers can read the benchmark's folder.
user root;
worker_processes {workers};
pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    types {{ application/json json; application/xml xml; }}
    default_type application/xml;
    charset off;
    gzip off;
    gzip_static on;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    server_tokens off;
    keepalive_timeout 3600;
    keepalive_requests 1000000000;
    open_file_cache max=100 inactive=3600s;
    open_file_cache_valid 3600s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {listen} ssl http2 reuseport backlog=4096;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        ssl_protocols TLSv1.3;
        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
        root {folder}/html;
        location / {{
            auth_basic \"rtstats\";
            auth_basic_user_file {folder}/passwords;
        }}
    }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_keep_to_their_folder_and_to_loopback() {
        let listen = "127.0.0.1:8443".parse().unwrap();
        let settings = settings(Path::new("/x/y"), listen, 2);
        for line in settings
            .lines()
            .map(str::trim)
            .filter(|line| line.contains('/') && !line.starts_with("location /"))
        {
            assert!(line.contains(" /x/y/") || line.contains("application/"), "{line}");
        }
        assert!(settings.contains("listen 127.0.0.1:8443 ssl"));
        assert_eq!(settings.matches('{').count(), settings.matches('}').count());
    }
}
