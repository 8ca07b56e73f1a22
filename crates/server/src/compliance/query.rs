//! Parameters of a request: each is taken once, by name, and what nobody took is refused.

use fiducia_policy::Timestamp;

use super::failure::Failure;

/// Values that one repeatable parameter may have.
const VALUES_MAX: usize = 1_000;

/// The parameters that nobody has taken yet, in the order in which they were sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// The parameters of a URL.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        serde_urlencoded::from_str(text)
            .map(Self)
            .map_err(|error| Failure::Invalid(format!("the query cannot be read: {error}")))
    }

    /// A parameter that comes at most once.
    ///
    /// # Errors
    /// When it comes twice.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let mut found = self.0.extract_if(.., |(other, _)| other == name).map(|(_, value)| value);
        let first = found.next();
        if found.next().is_some() {
            return Err(Failure::Invalid(format!("{name}: comes more than once")));
        }
        Ok(first)
    }

    /// A parameter that may be repeated: `name[]`.
    ///
    /// # Errors
    /// When it has too many values.
    pub(super) fn take_all(&mut self, name: &str) -> Result<Vec<String>, Failure> {
        let found: Vec<String> = self
            .0
            .extract_if(.., |(other, _)| other.strip_suffix("[]") == Some(name))
            .map(|(_, value)| value)
            .collect();
        if found.len() > VALUES_MAX {
            return Err(Failure::Invalid(format!("{name}[]: has more than {VALUES_MAX} values")));
        }
        Ok(found)
    }

    /// A parameter that is read as `T`; the text in an error says what was expected.
    ///
    /// # Errors
    /// When it comes twice or cannot be read.
    pub(super) fn parse<T: std::str::FromStr>(
        &mut self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, Failure> {
        let refused = |_| Failure::Invalid(format!("{name}: expected {expected}"));
        self.take(name)?.map(|text| text.parse().map_err(refused)).transpose()
    }

    /// How many rows: 1 to `most`.
    ///
    /// # Errors
    /// When it is out of bounds.
    pub(super) fn limit(&mut self, default: u32, most: u32) -> Result<u32, Failure> {
        let refused = || Failure::Invalid(format!("limit: expected a number from 1 to {most}"));
        let Some(text) = self.take("limit")? else { return Ok(default) };
        let given: u32 = text.parse().map_err(|_| refused())?;
        if (1..=most).contains(&given) { Ok(given) } else { Err(refused()) }
    }

    /// The range `name.gte`, `name.gt`, `name.lte`, `name.lt`.
    ///
    /// # Errors
    /// When one of them is no instant with a time zone.
    pub(super) fn range(&mut self, name: &str) -> Result<TimeRange, Failure> {
        let mut bound = |suffix: &str| -> Result<Option<i64>, Failure> {
            let name = format!("{name}.{suffix}");
            let at = self
                .parse::<Timestamp>(&name, "an RFC 3339 time with its zone, such as 2026-11-01T00:00:00Z")?;
            Ok(at.map(Timestamp::as_microsecond))
        };
        let (gte, gt, lte, lt) = (bound("gte")?, bound("gt")?, bound("lte")?, bound("lt")?);
        // Stored instants are whole microseconds.
        let after = gt.map(|at| at.saturating_add(1));
        let before = lte.map(|at| at.saturating_add(1));
        Ok(TimeRange { from: gte.into_iter().chain(after).max(), until: lt.into_iter().chain(before).min() })
    }

    /// Refuses what nobody took.
    ///
    /// # Errors
    /// When a parameter is left, by its name.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                let shown: String = name.chars().take(64).collect();
                Err(Failure::Invalid(format!("{}: this parameter is not known here", shown.escape_default())))
            }
        }
    }
}

/// A span of time, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct TimeRange {
    /// Its first microsecond.
    pub(super) from: Option<i64>,
    /// The first microsecond after it.
    pub(super) until: Option<i64>,
}

impl TimeRange {
    /// Whether it bounds nothing.
    pub(super) const fn is_open(self) -> bool {
        self.from.is_none() && self.until.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_is_refused_by_name() {
        let mut query = Query::read("a%5B%5D=1&a[]=2&limit=7&b=x").unwrap();
        assert_eq!(query.take_all("a").unwrap(), ["1", "2"]);
        assert_eq!(query.limit(100, 1_000), Ok(7));
        assert_eq!(
            query.clone().finish(),
            Err(Failure::Invalid("b: this parameter is not known here".to_owned()))
        );
        assert_eq!(query.take("b").unwrap().as_deref(), Some("x"));
        assert_eq!(query.finish(), Ok(()));
        assert!(Query::read("b=1&b=2").unwrap().take("b").is_err());
    }

    #[test]
    fn limits_are_numbers_within_bounds() {
        for wrong in ["0", "1001", "-1", "", "ten", "99999999999999999999"] {
            assert!(Query::read(&format!("limit={wrong}")).unwrap().limit(100, 1_000).is_err(), "{wrong}");
        }
        assert_eq!(Query::default().limit(100, 1_000), Ok(100));
    }

    #[test]
    fn ranges_take_the_narrowest_bound() {
        let text = "created_at.gte=1970-01-01T00:00:01Z&created_at.gt=1970-01-01T00:00:00.5Z&created_at.lt=1970-01-01T01:00:09%2B01:00";
        let range = Query::read(text).unwrap().range("created_at").unwrap();
        assert_eq!(range, TimeRange { from: Some(1_000_000), until: Some(9_000_000) });
        let one =
            Query::read("created_at.gt=1970-01-01T00:00:01Z&created_at.lte=1970-01-01T00:00:02Z").unwrap();
        let one = one.clone().range("created_at").unwrap();
        assert_eq!(one, TimeRange { from: Some(1_000_001), until: Some(2_000_001) });
        for wrong in ["2026-11-01", "2026-11-01T00:00:00", "yesterday"] {
            let refused = Query::read(&format!("created_at.lt={wrong}")).unwrap().range("created_at");
            let Err(Failure::Invalid(text)) = refused else { panic!("{wrong}") };
            assert!(text.starts_with("created_at.lt:"), "{text}");
        }
    }
}
