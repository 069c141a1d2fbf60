//! The little of URLs that a download needs.

use std::fmt::Write as _;

/// `scheme://host:port`, in lower case, or nothing if it is not http or https.
pub(crate) fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    // Names and passwords within addresses are not used anywhere here.
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    let host = authority.to_ascii_lowercase();
    let host = host.strip_suffix(default).unwrap_or(&host);
    Some(format!("{scheme}://{host}"))
}

/// The address that a `Location` or `Link` means when `base` answered with it.
pub(crate) fn join(base: &str, location: &str) -> Option<String> {
    let location = location.split('#').next()?.trim();
    if let Some((scheme, _)) = location.split_once(':')
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    {
        return Some(location.to_owned());
    }
    let (scheme, rest) = base.split_once("://")?;
    if let Some(elsewhere) = location.strip_prefix("//") {
        return Some(format!("{scheme}://{elsewhere}"));
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    if location.starts_with('/') {
        return Some(format!("{scheme}://{authority}{location}"));
    }
    // A path beside the page's own.
    let path = rest[authority.len()..].split(['?', '#']).next()?;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{scheme}://{authority}{folder}/{location}"))
}

/// What follows the origin: the same on each mirror.
pub(crate) fn after_origin(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("", |at| &rest[at..])
}

/// A path or a part of one with what must not stand in URLs as `%XX`. `/` is kept if
/// `slash` says so.
pub(crate) fn encode(text: &str, slash: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (slash && byte == b'/') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// An address without what follows `?`: signed addresses carry secrets there.
pub(crate) fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

/// The target of `rel="next"` in a `Link` header.
pub(crate) fn next_link(header: &str) -> Option<&str> {
    header.split(',').find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let next = parameters
            .split(';')
            .any(|p| matches!(p.trim(), "rel=\"next\"" | "rel=next"));
        next.then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_with_their_ports() {
        let same = |a, b| origin(a) == origin(b);
        assert!(same("https://hub.co/a?b", "HTTPS://HUB.co:443"));
        assert!(!same("https://hub.co", "http://hub.co"));
        assert!(!same("https://hub.co", "https://hub.co.evil.org/"));
        assert!(!same("http://127.0.0.1:80/", "http://127.0.0.1:8080/"));
        assert_eq!(origin("file:///etc/passwd"), None);
        assert_eq!(origin("https://hub.co@evil.org/"), None);
    }

    #[test]
    fn locations_are_joined() {
        let base = "https://hub.co/a/b?c=d";
        let join = |location| join(base, location);
        assert_eq!(join("http://cdn/x").as_deref(), Some("http://cdn/x"));
        assert_eq!(join("//cdn/x").as_deref(), Some("https://cdn/x"));
        assert_eq!(join("/x?y=z").as_deref(), Some("https://hub.co/x?y=z"));
        assert_eq!(join("x#part").as_deref(), Some("https://hub.co/a/x"));
        assert_eq!(join("file:///x").as_deref(), Some("file:///x"));
        // The query may hold an address.
        let nested = join("/x?url=https://e.org/");
        assert_eq!(
            nested.as_deref(),
            Some("https://hub.co/x?url=https://e.org/")
        );
    }

    #[test]
    fn mirrors_differ_in_the_origin_alone() {
        assert_eq!(after_origin("https://hub.co/a?b"), "/a?b");
        assert_eq!(after_origin("https://hub.co"), "");
    }

    #[test]
    fn paths_are_encoded_and_links_found() {
        assert_eq!(encode("refs/convert", false), "refs%2Fconvert");
        assert_eq!(encode("a b/ü.txt", true), "a%20b/%C3%BC.txt");
        let header = "<https://a/?x=1>; rel=\"prev\", <https://a/?x=3>; rel=\"next\"";
        assert_eq!(next_link(header), Some("https://a/?x=3"));
        assert_eq!(next_link("<https://a>; rel=\"last\""), None);
    }
}
