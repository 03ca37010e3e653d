//! `Content-Disposition` (RFC 6266).

/// `Content-Disposition` with the name in both forms (RFC 6266, RFC 8187).
pub fn disposition(name: &str) -> String {
    const ATTR_CHAR: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'!')
        .remove(b'#')
        .remove(b'$')
        .remove(b'&')
        .remove(b'+')
        .remove(b'-')
        .remove(b'.')
        .remove(b'^')
        .remove(b'_')
        .remove(b'`')
        .remove(b'|')
        .remove(b'~');
    // What programs that know only the plain form save it as: percent-encoded where plain text can't hold it, so that two
    // names never become one.
    const PLAIN: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b'"').add(b'\\').add(b'%');
    let plain = percent_encoding::utf8_percent_encode(name, PLAIN).to_string();
    let encoded = percent_encoding::utf8_percent_encode(name, ATTR_CHAR);
    if plain == name {
        format!("attachment; filename=\"{plain}\"")
    } else {
        format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_both_forms() {
        assert_eq!(disposition("a b.csv"), "attachment; filename=\"a b.csv\"");
        assert_eq!(
            disposition("胸\"部.csv"),
            "attachment; filename=\"%E8%83%B8%22%E9%83%A8.csv\"; filename*=UTF-8''%E8%83%B8%22%E9%83%A8.csv"
        );
    }
}
