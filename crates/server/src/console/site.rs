//! Where the console is: its origin, and what follows from it.

use fiducia_custody::RelyingParty;
use openidconnect::url::{Host, Url};

/// The console's place on the web.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// Scheme, host and port, as browsers write them in `Origin`.
    pub(super) origin: String,
    /// Whether browsers reach it by TLS. Else it is on this machine.
    pub(super) secure: bool,
    host: String,
}

impl Site {
    /// The site at `url`, which has nothing after host and port.
    pub(super) fn new(url: &str) -> Result<Self, &'static str> {
        let parsed = Self::new_base(url)?;
        if parsed.path() != "/" {
            return Err("must end after the host and port: the console has a host name of its own");
        }
        Ok(Self {
            origin: parsed.origin().ascii_serialization(),
            secure: parsed.scheme() == "https",
            host: parsed.host_str().unwrap_or_default().to_owned(),
        })
    }

    /// A URL that is safe to talk to: TLS, or this machine.
    pub(super) fn new_base(url: &str) -> Result<Url, &'static str> {
        const FORM: &str = "must look like `https://console.example.org`";
        let parsed = Url::parse(url).map_err(|_| FORM)?;
        let local = match parsed.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(FORM),
        };
        let plain = parsed.username().is_empty() && parsed.password().is_none();
        if !plain || parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(FORM);
        }
        match parsed.scheme() {
            "https" => Ok(parsed),
            "http" if local => Ok(parsed),
            "http" => Err("must begin with `https://`: passwords would cross the network in the clear"),
            _ => Err(FORM),
        }
    }

    /// Who asks for passkeys.
    pub(super) fn relying_party(&self) -> RelyingParty {
        RelyingParty { id: self.host.clone(), origin: self.origin.clone() }
    }

    /// A cookie's name. With TLS its prefix binds it to this host.
    pub(super) fn cookie(&self, name: &str) -> String {
        if self.secure { format!("__Host-{name}") } else { name.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_places_are_accepted() {
        let check = |url: &str, expect: Option<(&str, bool)>| {
            let site = Site::new(url).ok();
            assert_eq!(site.as_ref().map(|site| (site.origin.as_str(), site.secure)), expect, "{url}");
        };
        check("https://console.example.org", Some(("https://console.example.org", true)));
        check("https://console.example.org:443/", Some(("https://console.example.org", true)));
        check("http://localhost:4102", Some(("http://localhost:4102", false)));
        check("http://[::1]:1", Some(("http://[::1]:1", false)));
        for url in [
            "http://console.example.org",
            "https://console.example.org/under",
            "https://user@console.example.org",
            "https://console.example.org/?x",
            "ftp://localhost",
            "console.example.org",
            "",
        ] {
            check(url, None);
        }
        assert_eq!(Site::new("https://a.example").unwrap().cookie("x"), "__Host-x");
    }
}
