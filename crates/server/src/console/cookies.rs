//! Cookies: secrets in base64url, and how they are set.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

use super::site::Site;

/// The secret of a signed-in browser.
pub(super) const SESSION: &str = "fiducia-session";
/// The secret of a browser that is not signed in, to which its forms are bound.
pub(super) const VISIT: &str = "fiducia-visit";
/// The secret by which a browser is known that has signed in before.
pub(super) const BROWSER: &str = "fiducia-browser";
/// The language somebody chose before signing in.
pub(super) const LANGUAGE: &str = "fiducia-language";
/// The appearance somebody chose before signing in.
pub(super) const APPEARANCE: &str = "fiducia-appearance";
/// The last campaign's question that this browser showed by itself, by its date.
pub(super) const ASKED: &str = "fiducia-asked";

/// How long browsers keep what is not a session: a year, in seconds.
pub(super) const YEAR_SECONDS: u64 = 31_536_000;

/// The value of a cookie. Where a name comes twice the first counts, as in browsers.
pub(super) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// The secret in a cookie, if it has the form of one.
pub(super) fn read_secret(headers: &HeaderMap, name: &str) -> Option<[u8; 32]> {
    let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(read(headers, name)?).ok()?);
    decoded.as_slice().try_into().ok()
}

/// A header that sets a cookie for scripts never to see. Without `seconds` it goes when the browser is closed.
pub(super) fn set(site: &Site, name: &str, value: &str, seconds: Option<u64>) -> Option<HeaderValue> {
    let secure = if site.secure { "; Secure" } else { "" };
    let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let name = site.cookie(name);
    HeaderValue::try_from(format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}")).ok()
}

/// As [`set`], for a secret.
pub(super) fn set_secret(
    site: &Site,
    name: &str,
    secret: &[u8; 32],
    seconds: Option<u64>,
) -> Option<HeaderValue> {
    set(site, name, &Zeroizing::new(URL_SAFE_NO_PAD.encode(secret)), seconds)
}

/// A header that takes a cookie away.
pub(super) fn clear(site: &Site, name: &str) -> Option<HeaderValue> {
    set(site, name, "", Some(0))
}

/// What forms carry to show that this console made them for this browser. It is bound to the browser's secret and does not
/// tell it.
pub(super) fn form_token(secret: &[u8; 32]) -> String {
    let mut bound = Zeroizing::new(b"fiducia console form ".to_vec());
    bound.extend_from_slice(secret);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, &bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_among_others_and_the_first_of_a_name_counts() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; fiducia-visit=x; b=2"));
        headers.append(header::COOKIE, HeaderValue::from_static("fiducia-visit=y"));
        assert_eq!(read(&headers, "fiducia-visit"), Some("x"));
        assert_eq!(read(&headers, "visit"), None);
        assert_eq!(read_secret(&headers, "fiducia-visit"), None);
    }

    #[test]
    fn secrets_come_back_as_they_were_set() {
        let site = Site::new("https://console.example.org").unwrap();
        let set = set_secret(&site, SESSION, &[7; 32], None).unwrap();
        let text = set.to_str().unwrap();
        assert!(text.starts_with("__Host-fiducia-session="), "{text}");
        assert!(text.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{text}");
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(text.split(';').next().unwrap()).unwrap());
        assert_eq!(read_secret(&headers, "__Host-fiducia-session"), Some([7; 32]));
    }

    #[test]
    fn a_form_token_depends_on_the_secret_and_does_not_hold_it() {
        let token = form_token(&[7; 32]);
        assert_ne!(token, form_token(&[8; 32]));
        assert_ne!(token, URL_SAFE_NO_PAD.encode([7; 32]));
    }
}
