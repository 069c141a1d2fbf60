//! File patterns in which `*` stands for any characters.

/// Whether a name fits a pattern. `*` fits any characters, `/` included.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        // The first place is the best: it leaves most to the parts that follow.
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_stand_for_any_characters() {
        let name = "data/train-00000-of-00001.parquet";
        for pattern in [
            "*",
            "data/*",
            "*.parquet",
            "data/train-*-of-*.parquet",
            name,
        ] {
            assert!(fits(pattern, name), "{pattern}");
        }
        for pattern in [
            "",
            "data",
            "data/val*",
            "*.zip",
            "train-*",
            "data/*parquet*x",
        ] {
            assert!(!fits(pattern, name), "{pattern}");
        }
        // The end must not be the same characters as the beginning.
        assert!(!fits("ab*b", "ab"));
    }
}
