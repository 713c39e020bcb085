//! Tells programs that fetch a mail's addresses from people who follow them. What is in doubt counts as a person's: scanners
//! that pose as browsers are caught by how soon they come.

use axum::http::{HeaderMap, Method, header};
use journey_bytecode::Instant;

/// Nobody reads a mail that fast.
pub const HUMAN_DELAY_MILLIS: i64 = 2_000;

/// Parts of the names of programs, in small letters. Gmail's and Yahoo's image proxies are not here: they fetch when a
/// person looks.
const MACHINES: &[&str] = &[
    "axios",
    "barracuda",
    "bot",
    "crawl",
    "curl",
    "externalhit",
    "fetch",
    "go-http-client",
    "headless",
    "httpclient",
    "java/",
    "libwww",
    "mimecast",
    "monitor",
    "okhttp",
    "phantomjs",
    "preview",
    "proofpoint",
    "python",
    "ruby",
    "scan",
    "slurp",
    "spider",
    "symantec",
    "trendmicro",
    "wget",
    "zgrab",
];

/// Whether a request is a program's.
pub(super) fn is_machine(method: &Method, headers: &HeaderMap, sent_at: Option<Instant>, now: Instant) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let agent = text(header::USER_AGENT.as_str());
    let fetched_ahead = ["purpose", "sec-purpose", "x-moz", "x-purpose"].into_iter().any(|name| {
        let purpose = text(name);
        purpose.contains("prefetch") || purpose.contains("preview")
    });
    let at_once = sent_at.is_some_and(|sent| now.0.saturating_sub(sent.0) < HUMAN_DELAY_MILLIS);
    *method != Method::GET
        || fetched_ahead
        || at_once
        || agent.is_empty()
        // Apple's mail privacy protection says no more than this.
        || agent == "mozilla/5.0"
        || MACHINES.iter().any(|machine| agent.contains(machine))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";

    fn judge(method: Method, headers: &[(&'static str, &'static str)], sent_at: Option<i64>) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        is_machine(&method, &headers, sent_at.map(Instant), Instant(100_000))
    }

    #[test]
    fn people() {
        for agent in [
            BROWSER,
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
            "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
            "Microsoft Office/16.0 (Microsoft Outlook 16.0; Pro)",
        ] {
            assert!(!judge(Method::GET, &[("user-agent", agent)], None), "{agent}");
        }
        assert!(!judge(Method::GET, &[("user-agent", BROWSER)], Some(98_000)));
    }

    #[test]
    fn machines() {
        for agent in [
            "",
            "Mozilla/5.0",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "python-requests/2.31",
            "BarracudaCentral",
            "Mozilla/5.0 (compatible; BingPreview/1.0b)",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0",
            "facebookexternalhit/1.1",
            "curl/8.0",
        ] {
            assert!(judge(Method::GET, &[("user-agent", agent)], None), "{agent}");
        }
        assert!(judge(Method::HEAD, &[("user-agent", BROWSER)], None));
        assert!(judge(Method::GET, &[], None));
        assert!(judge(Method::GET, &[("user-agent", BROWSER)], Some(98_001)));
        assert!(judge(Method::GET, &[("user-agent", BROWSER), ("sec-purpose", "prefetch;prerender")], None));
    }
}
