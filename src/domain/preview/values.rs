//! Cells of tables, and what they are.

/// What a cell holds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Cell {
    /// Nothing, or a word for it.
    Missing,
    /// A whole number, as one is written.
    Integer(f64),
    /// Another number.
    Decimal(f64),
    /// A day, such as `2020-10-11`.
    Day,
    /// Anything else.
    Text,
}

impl Cell {
    /// What a cell without spaces around it holds.
    pub(super) fn of(text: &str) -> Self {
        if matches!(text, "" | "NA" | "N/A" | "n/a" | "NaN" | "nan" | "null" | "NULL") {
            return Self::Missing;
        }
        if is_day(text) {
            return Self::Day;
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return Self::Text;
        }
        let is_code = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        match text.parse::<f64>() {
            // A number that begins with noughts is a code: 007 is not 7.
            Ok(number) if number.is_finite() && !is_code => {
                let is_integer = digits.bytes().all(|byte| byte.is_ascii_digit());
                match digits.len() {
                    // More digits than a number keeps: whoever wrote them meant each.
                    16.. if is_integer => Self::Text,
                    _ if is_integer => Self::Integer(number),
                    _ => Self::Decimal(number),
                }
            }
            _ => Self::Text,
        }
    }

    /// The number, if it is one.
    pub(super) const fn number(self) -> Option<f64> {
        match self {
            Self::Integer(number) | Self::Decimal(number) => Some(number),
            Self::Missing | Self::Day | Self::Text => None,
        }
    }
}

/// Whether a text is a day as ISO 8601 writes it.
fn is_day(text: &str) -> bool {
    text.len() == 10 && text.is_ascii() && text.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_what_they_look_like() {
        for missing in ["", "NA", "NaN", "null"] {
            assert_eq!(Cell::of(missing), Cell::Missing, "{missing}");
        }
        assert_eq!(
            (Cell::of("57"), Cell::of("-3"), Cell::of("0")),
            (Cell::Integer(57.0), Cell::Integer(-3.0), Cell::Integer(0.0))
        );
        assert_eq!(
            (Cell::of("0.143"), Cell::of("1e3"), Cell::of("-.5")),
            (Cell::Decimal(0.143), Cell::Decimal(1000.0), Cell::Decimal(-0.5))
        );
        assert_eq!(Cell::of("2020-10-11"), Cell::Day);
        for text in
            ["007", "058Y", "M", "inf", "infinity", "1e999", "2020-13-01", "-", ".", "1,000", "+5", "1234567890123456"]
        {
            assert_eq!(Cell::of(text), Cell::Text, "{text}");
        }
        assert_eq!(Cell::of("123456789012345"), Cell::Integer(123_456_789_012_345.0));
    }
}
