//! One-time links as commands print them: with an address that opens, or with `HOST` and what has to stand there.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
};

use crate::{
    config::{self, Config, ServeArgs},
    tenants::Token,
};

/// Behind a proxy our own address is no use: we speak plain HTTP there, and the pages want the proxy's TLS.
const PROXY: &str = "put your proxy's address for HOST";

/// Where the pages are, and what to put in place of a word in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Pages {
    base: String,
    /// None where the address opens as it stands.
    pub advice: Option<&'static str>,
}

impl Pages {
    fn of_proxy() -> Pages {
        Pages { base: "https://HOST".to_owned(), advice: Some(PROXY) }
    }

    /// As this machine reaches a server that listens there.
    pub fn here(config: &Config, listening: &[SocketAddr]) -> Pages {
        if config.behind_proxy {
            return Pages::of_proxy();
        }
        let address = listening.first();
        let host = match address {
            Some(address) if !address.ip().is_unspecified() => address.to_string(),
            _ => format!("localhost:{}", address.map_or(0, SocketAddr::port)),
        };
        Pages { base: format!("https://{host}"), advice: None }
    }

    /// As others reach the server, as far as the file and the environment tell here. Mistakes in them are the server's
    /// to complain of.
    pub fn configured() -> Pages {
        Pages::elsewhere(config::load(&ServeArgs::default()).config())
    }

    fn elsewhere(config: &Config) -> Pages {
        if config.behind_proxy {
            return Pages::of_proxy();
        }
        let address = config.listen.first();
        let port = address.map_or(0, SocketAddr::port);
        let port = if port == 0 { String::new() } else { format!(":{port}") };
        let advice = "put the server's address for HOST, and its own port if it listens on another";
        match (address, config.tls_host_names.first()) {
            (_, Some(name)) if name.contains(':') => {
                Pages { base: format!("https://[{name}]{port}"), advice: None }
            }
            (_, Some(name)) => Pages { base: format!("https://{name}{port}"), advice: None },
            (Some(address), None) if !address.ip().is_unspecified() => {
                Pages { base: format!("https://{}{port}", host(*address)), advice: None }
            }
            _ => Pages { base: format!("https://HOST{port}"), advice: Some(advice) },
        }
    }

    /// The link, whose secret stands after `#`.
    pub fn link(&self, page: &str, secret: &Token) -> String {
        format!("{}/{page}#{}", self.base, secret.reveal())
    }

    /// To standard output, since it is a secret and the log is none; what is to be known of it goes to the other.
    pub fn print(&self, page: &str, secret: &Token, about: &str) -> io::Result<()> {
        writeln!(io::stdout(), "{}", self.link(page, secret))?;
        match self.advice {
            Some(advice) => eprintln!("{about}: {advice}"),
            None => eprintln!("{about}"),
        }
        Ok(())
    }
}

fn host(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: &str, proxy: bool, names: &[&str]) -> Config {
        let mut config = config::load(&ServeArgs::default()).config().clone();
        config.listen = vec![listen.parse().unwrap()];
        config.behind_proxy = proxy;
        config.tls_host_names = names.iter().map(|name| (*name).to_owned()).collect();
        config
    }

    #[test]
    fn a_link_opens_or_says_what_to_put_in_place() {
        let here = |listen: &str, proxy| {
            let config = config(listen, proxy, &[]);
            Pages::here(&config, &config.listen)
        };
        assert_eq!(here("0.0.0.0:8443", false).base, "https://localhost:8443");
        assert_eq!(here("127.0.0.1:48773", false).base, "https://127.0.0.1:48773");
        let proxied = Pages { base: "https://HOST".to_owned(), advice: Some(PROXY) };
        assert_eq!(here("127.0.0.1:48773", true), proxied);
        let of = |listen: &str, names: &[&str]| {
            let pages = Pages::elsewhere(&config(listen, false, names));
            (pages.base, pages.advice.is_some())
        };
        assert_eq!(of("0.0.0.0:9443", &[]), ("https://HOST:9443".to_owned(), true));
        assert_eq!(of("[::1]:9443", &[]), ("https://[::1]:9443".to_owned(), false));
        let named = ["stats.example.com"];
        assert_eq!(
            of("0.0.0.0:9443", &named),
            ("https://stats.example.com:9443".to_owned(), false)
        );
        assert_eq!(Pages::elsewhere(&config("127.0.0.1:1", true, &named)), proxied);
    }
}
