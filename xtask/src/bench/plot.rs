//! Pictures of figures, as SVG: bars that compare, and points with the straight line that fits them best.
//!
//! Plain shapes and text, with a background of their own, so that they show the same in a page of any color.

use std::fmt::Write;
use std::ops::Range;

const WIDTH: f64 = 720.0;
const INK: &str = "#24292f";
const PALE: &str = "#d0d7de";
const OURS: &str = "#0969da";
const THEIRS: &str = "#8c959f";

/// How a figure becomes a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Linear,
    /// For figures of which one is many times another.
    Log,
}

/// Named figures beside each other.
#[derive(Debug, Clone)]
pub struct Bars {
    pub title: String,
    pub scale: Scale,
    pub bars: Vec<(String, f64)>,
    /// Which of them are ours.
    pub ours: Range<usize>,
}

impl Bars {
    /// The picture.
    pub fn svg(&self) -> String {
        const ROW: f64 = 34.0;
        const LEFT: f64 = 200.0;
        const ROOM: f64 = WIDTH - LEFT - 110.0;
        let mut svg = begin(60.0 + ROW * self.bars.len() as f64, &self.title);
        let figures = || self.bars.iter().map(|(_, figure)| *figure).filter(|figure| *figure > 0.0);
        let most = figures().fold(f64::MIN_POSITIVE, f64::max);
        // The shortest bar of a logarithmic picture is still seen.
        let least = figures().fold(most, f64::min) / 2.0;
        for (row, (name, figure)) in self.bars.iter().enumerate() {
            let part = match self.scale {
                Scale::Linear => figure / most,
                Scale::Log => (figure.max(least) / least).ln() / (most / least).ln(),
            };
            let (y, length) = (50.0 + ROW * row as f64, ROOM * part.clamp(0.0, 1.0));
            let color = if self.ours.contains(&row) { OURS } else { THEIRS };
            let middle = y + 16.0;
            text(&mut svg, LEFT - 10.0, middle, "end", name);
            let _ = writeln!(
                svg,
                r#"<rect x="{LEFT}" y="{y:.0}" width="{length:.1}" height="22" fill="{color}"/>"#
            );
            text(&mut svg, LEFT + length + 8.0, middle, "start", &short(*figure));
        }
        if self.scale == Scale::Log {
            text(&mut svg, WIDTH - 12.0, 24.0, "end", "logarithmic");
        }
        svg + "</svg>\n"
    }
}

/// Points, and the straight line that fits them best.
#[derive(Debug, Clone)]
pub struct Points {
    pub title: String,
    pub across: String,
    pub up: String,
    pub points: Vec<(f64, f64)>,
}

/// A straight line, and the share of the points' spread that it explains (R²).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    pub begin: f64,
    pub slope: f64,
    pub explained: f64,
}

/// The line of the least squares; none for fewer than three points, which are always straight.
pub fn fit(points: &[(f64, f64)]) -> Option<Fit> {
    if points.len() < 3 {
        return None;
    }
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x_mean, y_mean) = (mean(|point| point.0), mean(|point| point.1));
    let sum = |of: &dyn Fn(f64, f64) -> f64| {
        points.iter().map(|(x, y)| of(x - x_mean, y - y_mean)).sum::<f64>()
    };
    let (spread, together, all) = (sum(&|x, _| x * x), sum(&|x, y| x * y), sum(&|_, y| y * y));
    if spread == 0.0 {
        return None;
    }
    let slope = together / spread;
    let explained = if all == 0.0 { 1.0 } else { together * together / (spread * all) };
    Some(Fit { begin: y_mean - slope * x_mean, slope, explained })
}

impl Points {
    /// The picture.
    pub fn svg(&self) -> String {
        const HEIGHT: f64 = 320.0;
        const LEFT: f64 = 80.0;
        const BOTTOM: f64 = HEIGHT - 50.0;
        let most = |of: fn(&(f64, f64)) -> f64| {
            self.points.iter().map(of).fold(f64::MIN_POSITIVE, f64::max) * 1.08
        };
        let (x_most, y_most) = (most(|point| point.0), most(|point| point.1));
        let x = |value: f64| LEFT + (WIDTH - LEFT - 30.0) * value / x_most;
        let y = |value: f64| BOTTOM - (BOTTOM - 50.0) * value / y_most;
        let mut svg = begin(HEIGHT, &self.title);
        for quarter in 0..=4 {
            let part = f64::from(quarter) / 4.0 / 1.08;
            let (height, place) = (y(y_most * part), x(x_most * part));
            let _ = writeln!(
                svg,
                r#"<path d="M{LEFT} {height:.1}H{:.0}" stroke="{PALE}"/>"#,
                WIDTH - 30.0
            );
            text(&mut svg, LEFT - 8.0, height + 4.0, "end", &short(y_most * part));
            text(&mut svg, place, BOTTOM + 18.0, "middle", &short(x_most * part));
        }
        text(&mut svg, WIDTH - 30.0, HEIGHT - 12.0, "end", &self.across);
        text(&mut svg, 12.0, 44.0, "start", &self.up);
        if let Some(Fit { begin, slope, explained }) = fit(&self.points) {
            let end = begin + slope * x_most;
            let _ = writeln!(
                svg,
                r#"<path d="M{:.1} {:.1}L{:.1} {:.1}" stroke="{OURS}" stroke-dasharray="5 4"/>"#,
                x(0.0),
                y(begin.max(0.0)),
                x(x_most),
                y(end.clamp(0.0, y_most)),
            );
            text(&mut svg, WIDTH - 30.0, 44.0, "end", &format!("R² {explained:.3}"));
        }
        for (across, up) in &self.points {
            let _ = writeln!(
                svg,
                r#"<circle cx="{:.1}" cy="{:.1}" r="5" fill="{OURS}"/>"#,
                x(*across),
                y(*up)
            );
        }
        svg + "</svg>\n"
    }
}

fn begin(height: f64, title: &str) -> String {
    begin_wide(WIDTH, height, title)
}

/// The beginning of a picture of any width, with its title.
pub fn begin_wide(width: f64, height: f64, title: &str) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"{INK}\" role=\"img\">\n\
         <title>{0}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        escaped(title)
    );
    let _ = writeln!(
        svg,
        r#"<text x="12" y="24" font-size="15" font-weight="600">{}</text>"#,
        escaped(title)
    );
    svg
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let text = escaped(text);
    let _ = writeln!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#);
}

/// A text as XML has it.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Three digits or so.
fn short(figure: f64) -> String {
    match figure {
        0.0 => "0".to_owned(),
        figure if figure < 1.0 => format!("{figure:.2}"),
        figure if figure < 100.0 => format!("{figure:.1}"),
        figure => super::grouped(figure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_is_found_and_a_bent_one_told() {
        let straight: Vec<_> = (0..5).map(|x| (f64::from(x), 3.0 + 2.0 * f64::from(x))).collect();
        let found = fit(&straight).unwrap();
        assert!((found.begin - 3.0).abs() < 1e-9 && (found.slope - 2.0).abs() < 1e-9, "{found:?}");
        assert!(found.explained > 0.999_999);
        let bent: Vec<_> = (0..5).map(|x| (f64::from(x), f64::from(x).powi(4))).collect();
        assert!(fit(&bent).unwrap().explained < 0.9);
        assert_eq!(fit(&straight[..2]), None);
    }

    #[test]
    fn ten_times_the_figure_is_the_longer_bar() {
        let bars = vec![("a & b".to_owned(), 1.0), ("c".to_owned(), 10.0)];
        let svg = Bars { title: "t".to_owned(), scale: Scale::Log, bars, ours: 0..1 }.svg();
        assert!(svg.contains("a &amp; b"), "{svg}");
        let lengths: Vec<f64> = svg
            .lines()
            .filter(|line| line.contains("height=\"22\""))
            .filter_map(|line| line.split_once("width=\"")?.1.split('"').next()?.parse().ok())
            .collect();
        assert!(lengths[0] > 1.0 && lengths[1] > 4.0 * lengths[0], "{lengths:?}");
    }

    #[test]
    fn every_point_is_in_the_picture() {
        let points = vec![(0.0, 0.0), (10.0, 5.0), (20.0, 10.0)];
        let (title, across, up) = ("t".to_owned(), "x".to_owned(), "y".to_owned());
        let svg = Points { title, across, up, points }.svg();
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("R² 1.000"), "{svg}");
    }
}
