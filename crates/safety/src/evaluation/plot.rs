//! A drawing of precision over recall that can be read without seeing it.

use std::fmt::Write as _;

/// A line of a plot.
#[derive(Debug, Clone)]
pub struct Curve {
    /// What it is about.
    pub name: String,
    /// Average precision, said in the legend.
    pub average_precision: f64,
    /// Recall and precision, each from 0 to 1.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 640.0;
const SIDE: f64 = 400.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 48.0;
/// Lines are told apart by their dashes too.
const STROKES: [(&str, &str); 8] = [
    ("#1b4f9c", "none"),
    ("#b3261e", "8 3"),
    ("#1e7b34", "2 3"),
    ("#6a3d9a", "10 3 2 3"),
    ("#a15c00", "5 5"),
    ("#00707a", "1 5"),
    ("#8a1c6b", "12 6"),
    ("#444444", "4 2 1 2"),
];

/// An SVG file of curves of precision over recall.
pub fn plot(title: &str, curves: &[Curve]) -> String {
    let mut svg = String::new();
    let rows: f64 = curves.iter().map(|_| 20.0).sum();
    let height = TOP + SIDE + 72.0 + rows;
    // Writing to a String does not fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"title text\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<title id=\"title\">{}</title>\n<desc id=\"text\">{}</desc>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n<text x=\"{LEFT}\" y=\"24\" font-size=\"16\">{}</text>\n",
        escaped(title),
        escaped(&description(curves)),
        escaped(title),
    );
    axes(&mut svg);
    for (index, curve) in curves.iter().enumerate() {
        draw(&mut svg, index, curve);
    }
    svg.push_str("</svg>\n");
    svg
}

fn description(curves: &[Curve]) -> String {
    let one = |curve: &Curve| format!("{}: average precision {:.3}", curve.name, curve.average_precision);
    let all: Vec<String> = curves.iter().map(one).collect();
    format!("Precision over recall. {}.", all.join("; "))
}

fn axes(svg: &mut String) {
    for step in 0..=5_u8 {
        let share = f64::from(step) / 5.0;
        let (x, y) = place((share, share));
        let (right, bottom) = (LEFT + SIDE, TOP + SIDE);
        let _ = write!(
            svg,
            "<path d=\"M{x:.1} {TOP}V{bottom} M{LEFT} {y:.1}H{right}\" stroke=\"#d0d0d0\" fill=\"none\"/>\n\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{share:.1}</text>\n\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{share:.1}</text>\n",
            bottom + 18.0,
            LEFT - 8.0,
            y + 4.0,
        );
    }
    let middle = LEFT + SIDE / 2.0;
    let _ = write!(
        svg,
        "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">recall</text>\n\
         <text x=\"16\" y=\"{1}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {1})\">precision</text>\n",
        TOP + SIDE + 38.0,
        TOP + SIDE / 2.0,
    );
}

fn draw(svg: &mut String, index: usize, curve: &Curve) {
    let (colour, dashes) = STROKES.get(index % STROKES.len()).copied().unwrap_or(("#000000", "none"));
    let mut path = String::new();
    for (number, point) in curve.points.iter().enumerate() {
        let (x, y) = place(*point);
        let _ = write!(path, "{}{x:.1} {y:.1}", if number == 0 { "M" } else { "L" });
    }
    let row: f64 = (0..index).map(|_| 20.0).sum();
    let y = TOP + SIDE + 64.0 + row;
    let stroke =
        format!("stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\" fill=\"none\"");
    let _ = write!(
        svg,
        "<path d=\"{path}\" {stroke}/>\n<path d=\"M{LEFT} {:.1}h40\" {stroke}/>\n<text x=\"{}\" y=\"{y:.1}\">{} ({:.3})</text>\n",
        y - 4.0,
        LEFT + 48.0,
        escaped(&curve.name),
        curve.average_precision,
    );
}

fn place((recall, precision): (f64, f64)) -> (f64, f64) {
    (LEFT + SIDE * recall, TOP + SIDE * (1.0 - precision))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_says_what_it_shows_and_breaks_on_no_name() {
        let curve = |name: &str| Curve {
            name: name.into(),
            average_precision: 0.5,
            points: vec![(0.0, 1.0), (1.0, 0.25)],
        };
        let svg = plot("A & B", &[curve("one"), curve("<script>")]);
        assert!(svg.contains("one: average precision 0.500") && svg.contains("A &amp; B"));
        assert!(!svg.contains("<script>"), "{svg}");
        assert!(svg.contains("M56.0 48.0L456.0 348.0"), "{svg}");
    }
}
