//! A flame graph: what calls what, from below, and the width is the time.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::stacks::Stack;
use crate::bench::plot::{begin_wide, escaped};

const WIDTH: f64 = 1_200.0;
const ROW: f64 = 15.0;

/// Frames narrower than this share of all are left out, so that the picture stays small.
const LEAST: f64 = 0.004;

/// About the width of a letter.
const LETTER: f64 = 6.1;

/// A frame with all samples in it, and what it called.
#[derive(Debug, Default)]
pub struct Flame {
    samples: usize,
    called: BTreeMap<String, Flame>,
}

impl Flame {
    /// The threads at the bottom, their frames above.
    pub fn of(stacks: &[Stack]) -> Flame {
        let mut all = Flame::default();
        for stack in stacks {
            all.samples += 1;
            let mut place = &mut all;
            let mut before = "";
            for name in std::iter::once(&stack.thread).chain(&stack.frames) {
                // Layers that only wrap the same are one.
                if name == before {
                    continue;
                }
                before = name;
                place = place.called.entry(name.clone()).or_default();
                place.samples += 1;
            }
        }
        all
    }

    /// The picture.
    pub fn svg(&self, title: &str) -> String {
        let least = (self.samples as f64 * LEAST).max(1.0);
        let height = 60.0 + ROW * self.depth(least) as f64;
        let mut svg = begin_wide(WIDTH, height, title);
        svg.push_str("<g font-size=\"10\" font-family=\"ui-monospace, monospace\">\n");
        self.draw(&mut svg, (0.0, height - 20.0), least, WIDTH / self.samples.max(1) as f64);
        svg + "</g>\n</svg>\n"
    }

    fn wide(&self, least: f64) -> impl Iterator<Item = (&String, &Flame)> {
        self.called.iter().filter(move |(_, flame)| flame.samples as f64 >= least)
    }

    fn depth(&self, least: f64) -> usize {
        self.wide(least).map(|(_, flame)| 1 + flame.depth(least)).max().unwrap_or(0)
    }

    fn draw(&self, svg: &mut String, (mut x, y): (f64, f64), least: f64, scale: f64) {
        for (name, flame) in self.wide(least) {
            let width = flame.samples as f64 * scale;
            let percent = 100.0 * width / WIDTH;
            let letters = ((width - 4.0) / LETTER) as usize;
            // Writing to a string can't fail.
            let _ = write!(
                svg,
                r#"<g><title>{} ({percent:.1} %)</title><rect x="{x:.1}" y="{y:.0}" width="{:.1}" height="{:.0}" fill="{}"/>"#,
                escaped(name),
                (width - 0.5).max(0.3),
                ROW - 1.0,
                color(name)
            );
            if letters >= 4 {
                let shown = escaped(&short(name, letters));
                let _ =
                    write!(svg, r#"<text x="{:.1}" y="{:.0}">{shown}</text>"#, x + 2.0, y + 11.0);
            }
            svg.push_str("</g>\n");
            flame.draw(svg, (x, y - ROW), least, scale);
            x += width;
        }
    }
}

/// As much of a name as there is room for, its end first: that says most.
fn short(name: &str, letters: usize) -> String {
    let all = name.chars().count();
    if all <= letters {
        return name.to_owned();
    }
    let end: String = name.chars().skip(all - letters + 1).collect();
    format!("…{end}")
}

/// Whose it is, by color: the kernel's, TLS's, ours, others'.
fn color(name: &str) -> &'static str {
    match name {
        name if name.starts_with("[k] ") => "#f0a35e",
        name if ["rustls", "aws_lc", "gcm"].iter().any(|word| name.contains(word)) => "#d2a8e0",
        name if name.starts_with("stats::") || name.starts_with("rtstats::") => "#7db6f5",
        _ => "#d8dee4",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(frames: &[&str]) -> Stack {
        let frames = frames.iter().map(|frame| (*frame).to_owned()).collect();
        Stack { thread: "server".to_owned(), frames }
    }

    #[test]
    fn what_takes_half_of_the_time_is_half_as_wide() {
        let flame = Flame::of(&[stack(&["a", "a", "b<c>"]), stack(&["a"])]);
        let svg = flame.svg("title");
        assert!(svg.contains("<title>a (100.0 %)</title>"), "{svg}");
        assert!(svg.contains("<title>b&lt;c&gt; (50.0 %)</title>"), "{svg}");
        assert_eq!(svg.matches("<g>").count(), 3, "the thread, a once, and b");
    }

    #[test]
    fn what_is_too_narrow_is_left_out() {
        let mut stacks = vec![stack(&["wide"]); 999];
        stacks.push(stack(&["narrow"]));
        assert!(!Flame::of(&stacks).svg("title").contains("narrow"));
    }

    #[test]
    fn names_are_cut_at_their_beginning() {
        assert_eq!(short("stats::engine::apply", 7), "…:apply");
        assert_eq!(short("short", 7), "short");
    }
}
