//! One request: redirects, the headers that matter, and what a failure means.

use std::fs;
use std::io::Read;
use std::time::Duration;

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, BodyReader};

use crate::config::{FetchConfig, Token};
use crate::error::{Error, Result};
use crate::retry::Attempts;
use crate::url;

/// A page of a list is a few megabytes at most.
const MAX_LIST_BYTES: u64 = 64 << 20;
const MAX_REDIRECTS: usize = 10;
const AGENT: &str = concat!("striate/", env!("CARGO_PKG_VERSION"));

pub(crate) type Stop<'a> = &'a (dyn Fn() -> bool + Sync);

pub(crate) struct Client<'a> {
    agent: Agent,
    config: &'a FetchConfig,
    pub(crate) stop: Stop<'a>,
}

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) url: &'a str,
    /// The file or list in messages.
    pub(crate) what: &'a str,
    /// Sent to the origin of `url` alone.
    pub(crate) token: Option<&'a Token>,
    /// Of a gated data set on the Hub: its page.
    pub(crate) page: Option<&'a str>,
}

/// The answer, after redirects.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `X-Linked-Etag` of the Hub, which stands on the redirect.
    pub(crate) linked_etag: Option<String>,
    response: ureq::http::Response<Body>,
}

/// Why there is no usable answer.
pub(crate) enum Failure {
    /// Another attempt may help, after the time that the server asked for.
    Passing {
        message: String,
        asked: Option<Duration>,
    },
    /// No attempt helps.
    Final(Error),
}

impl<'a> Client<'a> {
    /// A client of a configuration.
    ///
    /// # Errors
    ///
    /// If the file of certificates cannot be used.
    pub(crate) fn new(config: &'a FetchConfig, stop: Stop<'a>) -> Result<Self> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &config.certificates {
            let pem = fs::read(path).map_err(Error::io("read", path))?;
            let items = parse_pem(&pem).filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            });
            let certificates: Vec<_> = items.collect();
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
        }
        let agent = Agent::config_builder()
            .user_agent(AGENT)
            .http_status_as_error(false)
            // They are followed here, where their headers are seen.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(config.idle))
            .timeout_per_read(Some(config.idle))
            .timeout_per_write(Some(config.idle))
            .tls_config(tls.build())
            .build()
            .new_agent();
        Ok(Self {
            agent,
            config,
            stop,
        })
    }

    /// Asks once, and follows redirects.
    ///
    /// # Errors
    ///
    /// If no answer comes, or one that is not for us to go on with: of the statuses,
    /// 200, 206 and 416 are returned.
    pub(crate) fn get(
        &self,
        request: Request<'_>,
        headers: &[(&str, String)],
    ) -> std::result::Result<Answer, Failure> {
        let protocol = |message: String| {
            Failure::Final(Error::Protocol {
                file: request.what.to_owned(),
                url: request.url.to_owned(),
                message,
            })
        };
        let home = url::origin(request.url);
        let mut url = request.url.to_owned();
        let mut linked_etag = None;
        for _ in 0..MAX_REDIRECTS {
            let mut call = self.agent.get(&url).header("Accept-Encoding", "identity");
            for (name, value) in headers {
                call = call.header(*name, value);
            }
            if let Some(token) = request.token
                && url::origin(&url) == home
            {
                call = call.header("Authorization", token.header());
            }
            let response = call.call().map_err(|e| failure(&e, &protocol))?;
            let status = response.status().as_u16();
            let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
            linked_etag = linked_etag.or_else(|| header("x-linked-etag"));
            match status {
                301 | 302 | 303 | 307 | 308 => {
                    let location = header("location")
                        .ok_or_else(|| protocol("a redirect to nowhere".to_owned()))?;
                    let next = url::join(&url, &location)
                        .filter(|next| url::origin(next).is_some())
                        .ok_or_else(|| protocol(format!("a redirect to {location:?}")))?;
                    if url.starts_with("https:") && !next.starts_with("https:") {
                        let next = url::without_query(&next);
                        return Err(protocol(format!("a redirect from https to {next}")));
                    }
                    url = next;
                }
                200 | 206 | 416 => {
                    return Ok(Answer {
                        status,
                        linked_etag,
                        response,
                    });
                }
                _ => return Err(self.refusal(request, status, response)),
            }
        }
        Err(protocol(format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// Asks for a list until it comes: the bytes, and the address of the next page.
    ///
    /// # Errors
    ///
    /// If it does not come.
    pub(crate) fn list(&self, request: Request<'_>) -> Result<(Vec<u8>, Option<String>)> {
        let mut attempts = Attempts::new(&self.config.retry);
        loop {
            if (self.stop)() {
                return Err(Error::Stopped);
            }
            let (message, asked) = match self.get(request, &[]) {
                Ok(answer) if answer.status == 200 => {
                    let next = answer
                        .header("link")
                        .and_then(|link| url::join(request.url, url::next_link(&link)?));
                    let mut bytes = Vec::new();
                    match answer.body().take(MAX_LIST_BYTES).read_to_end(&mut bytes) {
                        Ok(_) => return Ok((bytes, next)),
                        Err(e) => (e.to_string(), None),
                    }
                }
                Ok(answer) => {
                    return Err(Error::Status {
                        file: request.what.to_owned(),
                        url: request.url.to_owned(),
                        status: answer.status,
                        message: "a list without ranges was asked for".to_owned(),
                    });
                }
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing { message, asked }) => (message, asked),
            };
            attempts.wait(asked, self.stop, |attempts| Error::GaveUp {
                file: request.what.to_owned(),
                url: request.url.to_owned(),
                attempts,
                message,
            })?;
        }
    }

    /// What an error status means.
    fn refusal(
        &self,
        request: Request<'_>,
        status: u16,
        response: ureq::http::Response<Body>,
    ) -> Failure {
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let code = header("x-error-code").unwrap_or_default();
        let asked = asked_wait(header("retry-after"), header("ratelimit"));
        let stated = header("x-error-message");
        let message = stated.unwrap_or_else(|| message_in(response.into_body()));
        if status == 429 || status == 408 || status >= 500 {
            let wait = asked.map_or(String::new(), |time| {
                format!(", asked to wait {} s", time.as_secs())
            });
            return Failure::Passing {
                message: format!("status {status}{wait}"),
                asked,
            };
        }
        let file = request.what.to_owned();
        let url = request.url.to_owned();
        if let Some(page) = request.page
            && (matches!(status, 401 | 403) || code == "GatedRepo")
        {
            let advice = if request.token.is_some() {
                format!("the token was refused: ask for access at {page} with its account")
            } else {
                format!(
                    "ask for access at {page}, make a token at {}/settings/tokens, and set \
                    HF_TOKEN to it",
                    self.config.hub_endpoint
                )
            };
            return Failure::Final(Error::Gated {
                file,
                url,
                status,
                message,
                advice,
            });
        }
        Failure::Final(Error::Status {
            file,
            url,
            status,
            message,
        })
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let value = self.response.headers().get(name)?;
        Some(value.to_str().ok()?.to_owned())
    }

    /// The announced length of the body.
    pub(crate) fn length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }

    pub(crate) fn is_chunked(&self) -> bool {
        self.header("transfer-encoding")
            .is_some_and(|encoding| encoding.to_ascii_lowercase().contains("chunked"))
    }

    /// The body, without a limit.
    pub(crate) fn body(self) -> BodyReader<'static> {
        self.response.into_body().into_reader()
    }
}

/// What a failed request means.
fn failure(error: &ureq::Error, protocol: &dyn Fn(String) -> Failure) -> Failure {
    use ureq::Error as E;
    match error {
        E::BadUri(_) | E::Http(_) | E::InvalidProxyUrl | E::TlsRequired => {
            protocol(error.to_string())
        }
        // A certificate that is not trusted stays so.
        E::Rustls(_) | E::Tls(_) | E::Pem(_) => protocol(error.to_string()),
        E::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => protocol(e.to_string()),
        _ => Failure::Passing {
            message: error.to_string(),
            asked: None,
        },
    }
}

/// The wait that a server asks for: `Retry-After` in seconds, or the Hub's
/// `RateLimit: "api";r=0;t=55`.
fn asked_wait(retry_after: Option<String>, rate_limit: Option<String>) -> Option<Duration> {
    let after = retry_after.and_then(|text| text.trim().parse().ok());
    let limit = || {
        rate_limit?
            .split(';')
            .find_map(|part| part.trim().strip_prefix("t=")?.parse().ok())
    };
    after.or_else(limit).map(Duration::from_secs)
}

/// The message in the JSON body of the Hub's errors, if there is one.
fn message_in(body: Body) -> String {
    let mut bytes = Vec::new();
    // A body that cannot be read has no message.
    let _ = body.into_reader().take(4096).read_to_end(&mut bytes);
    let json: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
    let stated = json.as_ref().and_then(|json| {
        let text = json.get("error").or_else(|| json.get("message"))?;
        text.as_str()
    });
    stated.unwrap_or_default().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_ask_for_a_wait_are_understood() {
        let asked = |a: Option<&str>, b: Option<&str>| {
            asked_wait(a.map(str::to_owned), b.map(str::to_owned)).map(|time| time.as_secs())
        };
        assert_eq!(asked(Some(" 7 "), None), Some(7));
        assert_eq!(asked(None, Some("\"api\";r=0;t=55")), Some(55));
        assert_eq!(asked(Some("Wed, 21 Oct 2026 07:28:00 GMT"), None), None);
        assert_eq!(asked(None, None), None);
    }
}
