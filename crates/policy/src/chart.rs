//! A simulation as a picture: SVG that reads on light and dark grounds and without colour.

use std::fmt::Write as _;

use crate::edge::Timestamp;
use crate::simulate::Simulation;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 480.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 44.0;

/// Colours that people with any colour vision can tell apart, and dashes for print; the first is the total's.
const STYLES: [(&str, &str); 8] = [
    ("var(--ink)", ""),
    ("#3b82c4", ""),
    ("#d97706", "8 3"),
    ("#c2415d", "2 3"),
    ("#7c5cc4", "8 3 2 3"),
    ("#0f9b8e", "12 4"),
    ("#a3a300", "4 4"),
    ("#8a6d5a", "1 4"),
];

/// The most gridlines on the bytes axis.
const STEPS_MAX: u64 = 6;
/// Labels with a month alone, and with a year as well, for which there is room.
const MONTH_LABELS_MAX: usize = 13;
const YEAR_LABELS_MAX: usize = 8;
const LABEL_GAP: f64 = 16.0;

/// Draws kept bytes by ground over time. `title` stands above; it may be any text.
pub fn chart(simulation: &Simulation, title: &str) -> String {
    let most = simulation.total.iter().copied().max().unwrap_or(0);
    let scale = Scale::new(most);
    let plot =
        Plot { days: u32::try_from(simulation.total.len()).unwrap_or(u32::MAX).max(2), top: scale.top };
    let mut svg = head(title);
    bytes_axis(&mut svg, &plot, &scale);
    time_axis(&mut svg, &plot, simulation.from);
    let mut lines: Vec<(&str, &[u64], usize)> = vec![("kept in all", &simulation.total, 0)];
    for (number, (ground, bytes)) in (1..).zip(&simulation.grounds) {
        if bytes.iter().any(|bytes| *bytes > 0) {
            lines.push((ground.name(), bytes, number));
        }
    }
    // The total is drawn last, so that it stays visible where a single ground makes all of it.
    for ((name, bytes, style), label) in lines.iter().zip(label_places(&plot, &lines)).rev() {
        line(&mut svg, &plot, name, bytes, *style, label);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where values lie on the picture.
struct Plot {
    days: u32,
    top: u64,
}

impl Plot {
    fn x(&self, day: u32) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * f64::from(day) / f64::from(self.days - 1)
    }

    fn y(&self, bytes: u64) -> f64 {
        const PARTS: u32 = 1_000_000;
        let parts = u128::from(bytes) * u128::from(PARTS) / u128::from(self.top.max(1));
        let parts = u32::try_from(parts).unwrap_or(PARTS).min(PARTS);
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * f64::from(parts) / f64::from(PARTS)
    }
}

/// The bytes axis: round steps in a unit that keeps numbers small.
struct Scale {
    step: u64,
    top: u64,
    unit: u64,
    name: &'static str,
}

impl Scale {
    fn new(most: u64) -> Self {
        const UNITS: [(u64, &str); 6] = [
            (1_000_000_000_000_000, "PB"),
            (1_000_000_000_000, "TB"),
            (1_000_000_000, "GB"),
            (1_000_000, "MB"),
            (1_000, "kB"),
            (1, "B"),
        ];
        let most = most.max(1);
        let (unit, name) = UNITS.into_iter().find(|(unit, _)| most / 4 >= *unit).unwrap_or((1, "B"));
        let mut step = unit;
        // 1, 2, 5, 10, 20, 50 … units, until few enough of them reach the top.
        for factor in [2_u64, 5, 10, 20, 50, 100, 200, 500, 1_000] {
            if most.div_ceil(step) <= STEPS_MAX {
                break;
            }
            step = unit.saturating_mul(factor);
        }
        Self { step, top: step.saturating_mul(most.div_ceil(step)), unit, name }
    }
}

fn head(title: &str) -> String {
    let title = escape(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n\
         <style>\n\
         svg {{ --ink: #1f2328; --quiet: #656d76; --grid: #d8dee4; --ground: #ffffff; }}\n\
         @media (prefers-color-scheme: dark) {{ svg {{ --ink: #e6edf3; --quiet: #9198a1; --grid: #3d444d; --ground: #0d1117; }} }}\n\
         text {{ font: 13px system-ui, sans-serif; fill: var(--quiet); }}\n\
         .title {{ font-size: 17px; fill: var(--ink); }}\n\
         .grid {{ stroke: var(--grid); stroke-width: 1; }}\n\
         .name {{ fill: var(--ink); }}\n\
         path {{ fill: none; stroke-width: 2.2; stroke-linejoin: round; }}\n\
         </style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"var(--ground)\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"30\">{title}</text>\n"
    )
}

fn bytes_axis(svg: &mut String, plot: &Plot, scale: &Scale) {
    let mut bytes = 0_u64;
    while bytes <= scale.top {
        let y = plot.y(bytes);
        let (number, name) = (bytes / scale.unit, scale.name);
        put(
            svg,
            format_args!(
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\n",
                WIDTH - RIGHT
            ),
        );
        put(
            svg,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{number} {name}</text>\n",
                LEFT - 10.0,
                y + 4.5
            ),
        );
        let Some(next) = bytes.checked_add(scale.step) else { break };
        bytes = next;
    }
}

/// The first of each month, or of as many as there is room for.
fn time_axis(svg: &mut String, plot: &Plot, from: Timestamp) {
    let day_of =
        |day: u32| jiff::tz::Offset::UTC.to_datetime(crate::RetentionSpan::days(day).after(from)).date();
    let firsts: Vec<u32> = (0..plot.days).filter(|day| day_of(*day).day() == 1).collect();
    let room = if firsts.len() > MONTH_LABELS_MAX { YEAR_LABELS_MAX } else { MONTH_LABELS_MAX };
    let every = firsts.len().div_ceil(room).max(1);
    for day in firsts.into_iter().step_by(every) {
        let (x, date) = (plot.x(day), day_of(day));
        let label = if date.month() == 1 || every > 1 { date.strftime("%b %Y") } else { date.strftime("%b") };
        put(
            svg,
            format_args!(
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>\n",
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 5.0
            ),
        );
        put(
            svg,
            format_args!(
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>\n",
                HEIGHT - BOTTOM + 20.0
            ),
        );
    }
}

/// Labels stand beside the ends of their lines, moved apart where lines end together.
fn label_places(plot: &Plot, lines: &[(&str, &[u64], usize)]) -> Vec<f64> {
    let ends = lines.iter().map(|(_, bytes, _)| plot.y(bytes.last().copied().unwrap_or(0)) + 4.5);
    let mut places: Vec<(usize, f64)> = ends.enumerate().collect();
    // From the bottom up, each at least a line's height above the one before.
    places.sort_by(|one, other| other.1.total_cmp(&one.1).then(other.0.cmp(&one.0)));
    let mut lowest = f64::INFINITY;
    for (_, y) in &mut places {
        *y = y.min(lowest - LABEL_GAP);
        lowest = *y;
    }
    places.sort_by_key(|(number, _)| *number);
    places.into_iter().map(|(_, y)| y).collect()
}

fn line(svg: &mut String, plot: &Plot, name: &str, bytes: &[u64], style: usize, label: f64) {
    let (colour, dashes) = STYLES.get(style).copied().unwrap_or(("var(--ink)", ""));
    let mut path = String::new();
    for (day, bytes) in (0_u32..).zip(bytes) {
        let word = if day == 0 { 'M' } else { 'L' };
        put(&mut path, format_args!("{word}{:.1} {:.1}", plot.x(day), plot.y(*bytes)));
    }
    put(svg, format_args!("<path d=\"{path}\" stroke=\"{colour}\" stroke-dasharray=\"{dashes}\"/>\n"));
    // A sample of the line stands before its name, so that names keep the contrast of text.
    let (x, middle) = (WIDTH - RIGHT + 10.0, label - 4.5);
    put(
        svg,
        format_args!(
            "<path d=\"M{x:.1} {middle:.1}h22\" stroke=\"{colour}\" stroke-dasharray=\"{dashes}\"/>\n"
        ),
    );
    put(svg, format_args!("<text class=\"name\" x=\"{:.1}\" y=\"{label:.1}\">{name}</text>\n", x + 30.0));
}

fn put(svg: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = svg.write_fmt(words);
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GroundKind;

    #[test]
    fn every_ground_that_keeps_something_has_a_line_and_a_label() {
        let simulation = Simulation {
            from: "2026-01-15T00:00:00Z".parse().unwrap(),
            grounds: vec![
                (GroundKind::Service, vec![900, 800, 0]),
                (GroundKind::SafetyWindow, vec![0, 0, 0]),
                (GroundKind::Violation, vec![1_500_000, 1_500_000, 1_500_000]),
            ],
            total: vec![1_500_900, 1_500_800, 1_500_000],
        };
        let svg = chart(&simulation, "a <title> & more");
        assert_eq!(svg.matches("<path").count(), 6);
        assert!(
            svg.contains(">service</text>")
                && svg.contains(">violation</text>")
                && svg.contains(">1500 kB</text>")
        );
        assert!(!svg.contains("safety-window") && svg.contains("a &lt;title&gt; &amp; more"));
        assert!(svg.contains("prefers-color-scheme: dark") && svg.trim_end().ends_with("</svg>"));
    }

    #[test]
    fn an_empty_simulation_draws() {
        let nothing = Simulation { from: Timestamp::UNIX_EPOCH, grounds: Vec::new(), total: vec![0] };
        assert!(chart(&nothing, "nothing").contains("</svg>"));
    }

    #[test]
    fn steps_are_round_and_few() {
        for (most, step, top) in [
            (0, 1, 1),
            (5, 1, 5),
            (7, 2, 8),
            (999, 200, 1_000),
            (1_500_000, 500_000, 1_500_000),
            (73_000, 20_000, 80_000),
        ] {
            let scale = Scale::new(most);
            assert_eq!((scale.step, scale.top), (step, top), "{most}");
        }
    }
}
