//! ORCID iDs: sixteen digits that name a researcher, the last of which checks the others (ISO 7064, MOD 11-2).

use std::fmt;
use std::str::FromStr;

use super::text::TextError;

/// An ORCID iD, written with hyphens.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Orcid(String);

impl FromStr for Orcid {
    type Err = TextError;

    /// Takes the iD alone or as its address, with hyphens.
    fn from_str(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        let bare = ["https://orcid.org/", "http://orcid.org/", "orcid.org/"]
            .iter()
            .find_map(|address| text.strip_prefix(address))
            .unwrap_or(text)
            .to_ascii_uppercase();
        let groups: Vec<&str> = bare.split('-').collect();
        if groups.len() != 4 || groups.iter().any(|group| group.len() != 4) {
            return Err(TextError::Form);
        }
        let digits = groups.concat();
        let (number, check) = digits.split_at_checked(15).ok_or(TextError::Form)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) || check != check_digit(number) {
            return Err(TextError::Form);
        }
        Ok(Self(bare))
    }
}

/// The last digit after the others.
fn check_digit(number: &str) -> String {
    let total = number.bytes().fold(0_u32, |total, digit| (total + u32::from(digit - b'0')) * 2 % 11);
    match (12 - total) % 11 {
        10 => "X".to_owned(),
        digit => digit.to_string(),
    }
}

impl fmt::Display for Orcid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_digit_checks_the_others() {
        for right in
            ["0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233x", "orcid.org/0000-0002-1825-0097"]
        {
            assert!(right.parse::<Orcid>().is_ok(), "{right}");
        }
        assert_eq!("0000-0002-1694-233x".parse::<Orcid>().unwrap().to_string(), "0000-0002-1694-233X");
        for wrong in [
            "0000-0002-1825-0098",
            "0000000218250097",
            "0000-0002-1825",
            "",
            "ééé-0002-1825-0097",
            "0000-000X-1825-0097",
        ] {
            assert!(wrong.parse::<Orcid>().is_err(), "{wrong}");
        }
    }
}
