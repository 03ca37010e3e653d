//! Charts as drawings: bars and lines, in the units of their boxes. What they show stands in a table beside them.

/// A bar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bar {
    /// Its left edge.
    pub x: String,
    /// Its upper edge.
    pub y: String,
    /// Its width.
    pub width: String,
    /// Its height.
    pub height: String,
}

/// A box with room for so many bars side by side, and how far apart they stand.
#[derive(Clone, Copy, Debug)]
pub struct Bars {
    /// The width of the box.
    pub width: f64,
    /// The height that the largest value has.
    pub height: f64,
    /// What is left free between two bars.
    pub gap: f64,
}

/// A drawing is no more exact than a number with a few digits.
#[expect(clippy::cast_precision_loss)]
const fn real(number: u64) -> f64 {
    number as f64
}

fn unit(number: f64) -> String {
    format!("{number:.1}")
}

impl Bars {
    /// A bar for each value, as high as it is against `largest`; what there is any of is seen. `floor` is where they stand.
    pub fn up(self, values: &[u64], largest: u64, floor: f64) -> Vec<Bar> {
        self.draw(values, largest, |height| floor - height)
    }

    /// The same, hanging from `ceiling`.
    pub fn down(self, values: &[u64], largest: u64, ceiling: f64) -> Vec<Bar> {
        self.draw(values, largest, |_| ceiling)
    }

    fn draw(self, values: &[u64], largest: u64, y: impl Fn(f64) -> f64) -> Vec<Bar> {
        let step = self.width / real(values.len().max(1) as u64);
        let bar = |(place, value): (usize, &u64)| {
            let height = if *value == 0 {
                0.0
            } else {
                (self.height * real(*value) / real(largest.max(1))).max(self.height / 20.0)
            };
            Bar {
                x: unit(step * real(place as u64)),
                y: unit(y(height)),
                width: unit((step - self.gap).max(self.gap / 2.0)),
                height: unit(height),
            }
        };
        values.iter().enumerate().map(bar).collect()
    }
}

/// The points of a line through values; where there is no value the line goes on to the next.
pub fn points(values: &[Option<u64>], largest: u64, (width, height): (f64, f64)) -> Vec<(String, String)> {
    let step = width / real(values.len().saturating_sub(1).max(1) as u64);
    let point = |(place, value): (usize, &Option<u64>)| {
        let height = height - height * real((*value)?) / real(largest.max(1));
        Some((unit(step * real(place as u64)), unit(height)))
    };
    values.iter().enumerate().filter_map(point).collect()
}

/// Points as SVG writes a line through them.
pub fn line(points: &[(String, String)]) -> String {
    points.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_and_hang() {
        let bars = Bars { width: 30.0, height: 10.0, gap: 2.0 };
        let up = bars.up(&[0, 5, 1_000], 1_000, 12.0);
        assert_eq!(
            up.iter().map(|bar| (bar.y.as_str(), bar.height.as_str())).collect::<Vec<_>>(),
            [("12.0", "0.0"), ("11.5", "0.5"), ("2.0", "10.0")]
        );
        assert_eq!((up[1].x.as_str(), up[1].width.as_str()), ("10.0", "8.0"));
        assert_eq!(bars.down(&[4], 8, 3.0)[0].y, "3.0");
        assert!(bars.up(&[], 0, 1.0).is_empty());
    }

    #[test]
    fn lines_leave_out_what_is_not_there() {
        assert_eq!(line(&points(&[Some(0), None, Some(10)], 10, (100.0, 50.0))), "0.0,50.0 100.0,0.0");
        assert_eq!(points(&[Some(3)], 3, (100.0, 50.0)).len(), 1);
        assert_eq!(line(&points(&[], 0, (1.0, 1.0))), "");
    }
}
