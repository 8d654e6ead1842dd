//! Dates for `strftime_now`.

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// 1 January 1970 was a Thursday.
const DAYS: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];

/// `strftime` for the fields chat templates use, in UTC; others stay as they are.
pub(super) fn strftime(format: &str, unix_seconds: u64) -> String {
    let (days, seconds) = (unix_seconds / 86_400, unix_seconds % 86_400);
    // Years that begin in March, counted from the year 0: the leap day is the last of its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (month_name, day_name) = (MONTHS[(month - 1) as usize], DAYS[(days % 7) as usize]);
    let (hour, minute) = (seconds / 3600, seconds / 60 % 60);

    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(c) = characters.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let unpadded = characters.as_str().starts_with('-');
        let field = characters.nth(usize::from(unpadded));
        let number = |n: u64| {
            if unpadded {
                n.to_string()
            } else {
                format!("{n:02}")
            }
        };
        match field {
            Some('Y') => text.push_str(&year.to_string()),
            Some('y') => text.push_str(&number(year % 100)),
            Some('m') => text.push_str(&number(month)),
            Some('d') => text.push_str(&number(day)),
            Some('e') => text.push_str(&format!("{day:>2}")),
            Some('B') => text.push_str(month_name),
            Some('b') => text.push_str(&month_name[..3]),
            Some('A') => text.push_str(day_name),
            Some('a') => text.push_str(&day_name[..3]),
            Some('H') => text.push_str(&number(hour)),
            Some('I') => text.push_str(&number((hour + 11) % 12 + 1)),
            Some('p') => text.push_str(if hour < 12 { "AM" } else { "PM" }),
            Some('M') => text.push_str(&number(minute)),
            Some('S') => text.push_str(&number(seconds % 60)),
            Some('F') => text.push_str(&format!("{year}-{month:02}-{day:02}")),
            Some('%') | None => text.push('%'),
            Some(other) => text.extend(['%', other]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::strftime;

    #[test]
    fn dates() {
        assert_eq!(
            strftime("%d %b %Y %H:%M %B %m %A %a %-I%p %% %q", 1_709_210_096),
            "29 Feb 2024 12:34 February 02 Thursday Thu 12PM % %q"
        );
        assert_eq!(strftime("%Y-%m-%d %I", 0), "1970-01-01 12");
        assert_eq!(strftime("%F %-d", 4_107_542_399), "2100-02-28 28");
    }
}
