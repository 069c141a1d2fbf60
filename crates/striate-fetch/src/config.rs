//! Where files go, what may be asked of whom, and how patiently.

use std::env;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::retry::RetryConfig;

/// How files are fetched.
#[derive(Clone, Debug)]
pub struct FetchConfig {
    /// The folder that all data sets share; each has a folder in it.
    pub cache: PathBuf,
    /// Use only what is in the cache.
    pub offline: bool,
    /// Do not ask the Hub (`HF_HUB_OFFLINE`).
    pub hub_offline: bool,
    /// The address of the Hub.
    pub hub_endpoint: String,
    /// The token of the Hub.
    pub token: Option<Token>,
    /// The address of figshare's API.
    pub figshare_endpoint: String,
    /// Files that are loaded at the same time.
    pub connections: usize,
    /// Silence of a server after which the connection counts as cut.
    pub idle: Duration,
    /// Trying again.
    pub retry: RetryConfig,
    /// Only files whose names fit; `*` stands for any characters.
    pub only: Option<String>,
    /// Read each file that is there again and check it, rather than its length alone.
    pub verify: bool,
    /// Ask for the newest revision rather than that of the lock file.
    pub update: bool,
    /// A PEM file of certificates to trust instead of Mozilla's list.
    pub certificates: Option<PathBuf>,
}

/// A secret: it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token without the spaces around it; nothing if nothing is left.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl FetchConfig {
    /// A configuration that takes nothing from the environment.
    pub fn new(cache: PathBuf) -> Self {
        Self {
            cache,
            offline: false,
            hub_offline: false,
            hub_endpoint: "https://huggingface.co".to_owned(),
            token: None,
            figshare_endpoint: "https://api.figshare.com/v2".to_owned(),
            connections: 4,
            idle: Duration::from_secs(30),
            retry: RetryConfig::default(),
            only: None,
            verify: false,
            update: false,
            certificates: None,
        }
    }

    /// The configuration of this process's environment, with a cache folder of the
    /// caller's or of the environment: `STRIATE_CACHE` (else
    /// `XDG_CACHE_HOME/striate`, else `HOME/.cache/striate`), `STRIATE_OFFLINE`,
    /// `HF_ENDPOINT`, `HF_HUB_OFFLINE`, `HF_TOKEN` or the token file (`HF_TOKEN_PATH`,
    /// else `HF_HOME/token`, else `huggingface/token` in the cache folder of the user),
    /// `SSL_CERT_FILE`.
    ///
    /// # Errors
    ///
    /// If there is no home folder to put the cache into.
    pub fn from_environment(cache: Option<PathBuf>) -> Result<Self> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        Self::from_variables(cache, &variable)
    }

    fn from_variables(
        cache: Option<PathBuf>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let home = variable("HOME").or_else(|| variable("USERPROFILE"));
        let user_cache = variable("XDG_CACHE_HOME")
            .map(PathBuf::from)
            // The XDG specification: relative paths are to be ignored.
            .filter(|path| path.is_absolute())
            .or_else(|| home.map(|home| PathBuf::from(home).join(".cache")));
        let cache = cache
            .or_else(|| variable("STRIATE_CACHE").map(PathBuf::from))
            .or_else(|| user_cache.as_ref().map(|cache| cache.join("striate")))
            .ok_or_else(|| Error::Manifest {
                place: "cache".to_owned(),
                message: "there is no home folder; set STRIATE_CACHE".to_owned(),
            })?;
        let mut config = Self::new(cache);
        let on = |name| variable(name).is_some_and(|value| is_true(&value));
        config.offline = on("STRIATE_OFFLINE");
        config.hub_offline = on("HF_HUB_OFFLINE");
        if let Some(endpoint) = variable("HF_ENDPOINT") {
            endpoint
                .trim_end_matches('/')
                .clone_into(&mut config.hub_endpoint);
        }
        let token_file = variable("HF_TOKEN_PATH")
            .map(PathBuf::from)
            .or_else(|| variable("HF_HOME").map(|home| PathBuf::from(home).join("token")))
            .or_else(|| user_cache.map(|cache| cache.join("huggingface/token")));
        config.token = variable("HF_TOKEN")
            .and_then(|text| Token::new(&text))
            // Most users have no such file.
            .or_else(|| Token::new(&fs::read_to_string(token_file?).ok()?));
        config.certificates = variable("SSL_CERT_FILE").map(PathBuf::from);
        Ok(config)
    }
}

/// As `huggingface_hub` reads its switches.
fn is_true(value: &str) -> bool {
    matches!(
        value.to_ascii_lowercase().as_str(),
        "1" | "true" | "yes" | "on"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> FetchConfig {
        let get = |name: &str| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        FetchConfig::from_variables(None, &get).unwrap()
    }

    #[test]
    fn the_cache_is_the_first_of_three_places() {
        let home = ("HOME", "/u");
        assert_eq!(from(&[home]).cache, PathBuf::from("/u/.cache/striate"));
        let xdg = ("XDG_CACHE_HOME", "/x");
        assert_eq!(from(&[home, xdg]).cache, PathBuf::from("/x/striate"));
        let ours = ("STRIATE_CACHE", "/c");
        assert_eq!(from(&[home, xdg, ours]).cache, PathBuf::from("/c"));
        let relative = ("XDG_CACHE_HOME", "x");
        assert_eq!(
            from(&[home, relative]).cache,
            PathBuf::from("/u/.cache/striate")
        );
        assert!(FetchConfig::from_variables(None, &|_| None).is_err());
    }

    #[test]
    fn the_variables_of_the_hub_are_heard() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        fs::write(folder.path().join("token"), "hf_file\n").unwrap();
        let config = from(&[
            ("HOME", "/nowhere"),
            ("HF_HOME", home),
            ("HF_ENDPOINT", "https://mirror.example/"),
            ("HF_HUB_OFFLINE", "YES"),
        ]);
        assert_eq!(config.token, Token::new("hf_file"));
        assert_eq!(config.hub_endpoint, "https://mirror.example");
        assert!(config.hub_offline && !config.offline);
        let config = from(&[
            ("HOME", "/nowhere"),
            ("HF_HOME", home),
            ("HF_TOKEN", " hf_variable "),
        ]);
        assert_eq!(config.token, Token::new("hf_variable"));
        assert_eq!(format!("{:?}", config.token), "Some(Token(..))");
    }
}
