//! The graphical notation for management trees, as text and as SVG: `+` one or more, `*` any number, `?` none or one, no
//! sign exactly one; `<x>` for a name that is given at run time.

use std::fmt::Write as _;

use super::Node;

/// Draws trees as text.
pub fn text(roots: &[Node]) -> String {
    let mut out = String::new();
    for root in roots {
        let _ = writeln!(out, "./{}", root.label());
        below(&root.children, "", &mut out);
    }
    out
}

fn below(nodes: &[Node], indent: &str, out: &mut String) {
    for (at, node) in nodes.iter().enumerate() {
        let last = at + 1 == nodes.len();
        let _ = writeln!(out, "{indent}{} {}", if last { "└─" } else { "├─" }, node.label());
        below(&node.children, &format!("{indent}{}", if last { "   " } else { "│  " }), out);
    }
}

/// Width of a column, and of the box in it.
const COLUMN: usize = 176;
const BOX: usize = 144;
/// Height of a row, and of the box in it.
const ROW: usize = 30;
const HEIGHT: usize = 22;
const MARGIN: usize = 8;

/// Draws trees as an SVG picture: roots on the left, a row for each leaf.
pub fn svg(roots: &[Node]) -> String {
    let (mut body, mut rows, mut columns) = (String::new(), 0, 0);
    for root in roots {
        place(root, 0, &mut rows, &mut columns, &mut body);
    }
    let (width, height) = (columns * COLUMN + 2 * MARGIN, rows * ROW + 2 * MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <g font-family=\"sans-serif\" font-size=\"12\" fill=\"none\" stroke=\"black\">\n{body}</g>\n</svg>\n"
    )
}

/// Draws a node with what is below it and gives the height of its middle.
fn place(node: &Node, column: usize, rows: &mut usize, columns: &mut usize, out: &mut String) -> usize {
    *columns = (*columns).max(column + 1);
    let middles: Vec<usize> =
        node.children.iter().map(|c| place(c, column + 1, rows, columns, out)).collect();
    let middle = match (middles.first(), middles.last()) {
        (Some(first), Some(last)) => (first + last) / 2,
        _ => {
            *rows += 1;
            MARGIN + (*rows - 1) * ROW + HEIGHT / 2
        }
    };
    let left = MARGIN + column * COLUMN;
    let (right, next) = (left + BOX, left + COLUMN);
    let between = (right + next) / 2;
    for to in middles {
        let _ = writeln!(out, "<path d=\"M{right} {middle}H{between}V{to}H{next}\"/>");
    }
    let top = middle - HEIGHT / 2;
    let label = node.label().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(out, "<rect x=\"{left}\" y=\"{top}\" width=\"{BOX}\" height=\"{HEIGHT}\"/>");
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" fill=\"black\" stroke=\"none\">{label}</text>",
        left + 6,
        middle + 4
    );
    middle
}
