//! Numbers as people read them.

/// A count with separated thousands: `124,711`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count of things: `1 flight`, `124,711 flights`.
pub fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number))
}

/// Minutes to a tenth, with a real minus sign: `−7.5`, `38`.
pub fn minutes(number: f64) -> String {
    let tenths = (number * 10.0).round() / 10.0;
    // Adding zero turns the negative zero into the usual one.
    (tenths + 0.0).to_string().replace('-', "−")
}

/// Text for a hover label, which plotly.js reads as a little HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let counts = [0, 999, 1000, 124_711, 3_000_000].map(count);

        assert_eq!(counts, ["0", "999", "1,000", "124,711", "3,000,000"]);
    }

    #[test]
    fn one_thing_is_not_many() {
        let texts = [0, 1, 2].map(|number| counted(number, "flight"));

        assert_eq!(texts, ["0 flights", "1 flight", "2 flights"]);
    }

    #[test]
    fn minutes_are_rounded_to_tenths_with_a_minus_sign() {
        let texts = [8.828, 38.0, -7.45, -0.04, 0.05].map(minutes);

        assert_eq!(texts, ["8.8", "38", "−7.5", "0", "0.1"]);
    }
}
