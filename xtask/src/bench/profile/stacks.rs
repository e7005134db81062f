//! Samples as perf tells them, and to whom each belongs.

/// One sample: its thread, and its frames from the outermost on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    pub thread: String,
    pub frames: Vec<String>,
}

/// What marks a frame of the kernel.
const KERNEL: &str = "[k] ";

/// Who a sample belongs to, by a word in the innermost frame that has one.
pub const OWNERS: [(&str, &[&str]); 8] = [
    ("kernel", &[KERNEL]),
    ("allocator", &["malloc", "calloc", "realloc", "cfree", "libc_free", "_int_free"]),
    ("TLS", &["rustls::", "aws_lc", "aes_gcm", "gcm_", "EVP_", "CRYPTO_"]),
    ("SQLite and compression", &["sqlite3", "sqlite::", "pager", "wal", "deflate", "ZSTD", "zstd"]),
    ("engine and parser", &["stats::engine", "stats::parse", "stats::event", "stats::document"]),
    ("our server", &["rtstats::"]),
    ("HTTP", &["hyper::", "httparse::", "http::", "h2::"]),
    ("runtime", &["tokio::", "mio::"]),
];

/// Reads what `perf script` tells with the fields comm, ip, sym and dso.
pub fn fold(script: &str) -> Vec<Stack> {
    let mut stacks = Vec::new();
    for sample in script.split("\n\n") {
        let mut lines = sample.lines().filter(|line| !line.trim().is_empty());
        let Some(thread) = lines.next() else { continue };
        let mut frames: Vec<String> = lines.filter_map(frame).collect();
        frames.reverse();
        if !frames.is_empty() {
            // Threads of a kind are one: server-0 and server-1.
            let kind = thread.trim().trim_end_matches(|c: char| c == '-' || c.is_ascii_digit());
            stacks.push(Stack { thread: kind.to_owned(), frames });
        }
    }
    stacks
}

/// A frame's name: `  55d0 core::f+0x1 (/usr/bin/x)` is `core::f`.
fn frame(line: &str) -> Option<String> {
    let (_, rest) = line.trim().split_once(' ')?;
    let (symbol, object) = rest.rsplit_once(" (")?;
    let symbol = symbol.rsplit_once("+0x").map_or(symbol, |(symbol, _)| symbol).trim();
    let kernel = object.starts_with("[kernel") || object.starts_with("[guest.kernel");
    Some(format!("{}{}", if kernel { KERNEL } else { "" }, plain(symbol)))
}

/// Without what type parameters stand for and the compiler's hash: names are to be read.
fn plain(symbol: &str) -> String {
    let hash = symbol.rsplit_once("::h").filter(|(_, hash)| hash.len() == 16);
    let symbol = hash.map_or(symbol, |(symbol, _)| symbol);
    // `<A as B>::f` begins with a bracket that is no list of parameters.
    let (kept, rest) = match symbol.strip_prefix('<') {
        Some(rest) => ("", rest.replacen(" as ", "<", 1)),
        None => ("", symbol.to_owned()),
    };
    let (mut name, mut depth) = (kept.to_owned(), 0_usize);
    for c in rest.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            c if depth == 0 => name.push(c),
            _ => {}
        }
    }
    name.replace("::{{closure}}", "").replace("::::", "::")
}

/// The share of each owner, and of what is nobody's at the end.
pub fn shares(stacks: &[Stack]) -> Vec<f64> {
    let mut counts = vec![0_usize; OWNERS.len() + 1];
    for stack in stacks {
        let owner = stack.frames.iter().rev().find_map(|frame| {
            OWNERS.iter().position(|(_, words)| words.iter().any(|word| frame.contains(word)))
        });
        counts[owner.unwrap_or(OWNERS.len())] += 1;
    }
    let all = stacks.len().max(1) as f64;
    counts.into_iter().map(|count| count as f64 / all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "server-1\n\
        \tffffffff81 tcp_sendmsg ([kernel.kallsyms])\n\
        \t    55d0aa rustls::conn::write+0x12 (/a/rtstats)\n\
        \t    55d0ab <rtstats::server::Guard<S> as tokio::io::AsyncWrite>::poll_write::h0123456789abcdef (/a/rtstats)\n\
        \n\
        shard-0\n\
        \t    7f00 __memcpy_avx_unaligned (/usr/lib/libc.so.6)\n\
        \t    55d0 stats::engine::fold::Fold<A, B<C>>::apply (/a/rtstats)\n\
        \n\
        idle\n\n";

    #[test]
    fn samples_are_read_from_the_outermost_frame_on() {
        let stacks = fold(SCRIPT);
        assert_eq!(stacks.len(), 2, "{stacks:?}");
        assert_eq!(stacks[0].thread, "server");
        let frames =
            ["rtstats::server::Guard::poll_write", "rustls::conn::write", "[k] tcp_sendmsg"];
        assert_eq!(stacks[0].frames, frames);
        assert_eq!(
            stacks[1].frames,
            ["stats::engine::fold::Fold::apply", "__memcpy_avx_unaligned"]
        );
    }

    #[test]
    fn a_sample_belongs_to_its_innermost_known_frame() {
        let of_all = shares(&fold(SCRIPT));
        let of = |owner: &str| of_all[OWNERS.iter().position(|(name, _)| *name == owner).unwrap()];
        assert!((of("kernel") - 0.5).abs() < 1e-9 && (of("engine and parser") - 0.5).abs() < 1e-9);
        assert!(shares(&[]).iter().all(|share| *share == 0.0));
    }
}
