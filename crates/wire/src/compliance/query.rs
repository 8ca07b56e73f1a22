//! Parameters of a request: each is taken once, by name, and what nobody took is refused.

use fiducia_policy::Timestamp;

/// Values that one repeatable parameter may have.
const VALUES_MAX: usize = 1_000;

/// A parameter is not acceptable; the text names it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QueryRefused(pub String);

/// The parameters that nobody has taken yet, in the order in which they were sent.
#[derive(Debug, Clone, Default)]
pub struct ComplianceQuery(Vec<(String, String)>);

impl ComplianceQuery {
    /// The parameters of a URL.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn read(text: &str) -> Result<Self, QueryRefused> {
        serde_urlencoded::from_str(text)
            .map(Self)
            .map_err(|error| QueryRefused(format!("the query cannot be read: {error}")))
    }

    /// A parameter that comes at most once.
    ///
    /// # Errors
    /// When it comes twice.
    pub fn take(&mut self, name: &str) -> Result<Option<String>, QueryRefused> {
        let mut found = self.0.extract_if(.., |(other, _)| other == name).map(|(_, value)| value);
        let first = found.next();
        if found.next().is_some() {
            return Err(QueryRefused(format!("{name}: comes more than once")));
        }
        Ok(first)
    }

    /// A parameter that may be repeated: `name[]`.
    ///
    /// # Errors
    /// When it has too many values.
    pub fn take_all(&mut self, name: &str) -> Result<Vec<String>, QueryRefused> {
        let found: Vec<String> = self
            .0
            .extract_if(.., |(other, _)| other.strip_suffix("[]") == Some(name))
            .map(|(_, value)| value)
            .collect();
        if found.len() > VALUES_MAX {
            return Err(QueryRefused(format!("{name}[]: has more than {VALUES_MAX} values")));
        }
        Ok(found)
    }

    /// A parameter that is read as `T`; the text in an error says what was expected.
    ///
    /// # Errors
    /// When it comes twice or cannot be read.
    pub fn parse<T: std::str::FromStr>(
        &mut self,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, QueryRefused> {
        let refused = |_| QueryRefused(format!("{name}: expected {expected}"));
        self.take(name)?.map(|text| text.parse().map_err(refused)).transpose()
    }

    /// How many rows: 1 to `most`.
    ///
    /// # Errors
    /// When it is out of bounds.
    pub fn limit(&mut self, default: u32, most: u32) -> Result<u32, QueryRefused> {
        let refused = || QueryRefused(format!("limit: expected a number from 1 to {most}"));
        let Some(text) = self.take("limit")? else { return Ok(default) };
        let given: u32 = text.parse().map_err(|_| refused())?;
        if (1..=most).contains(&given) { Ok(given) } else { Err(refused()) }
    }

    /// The range `name.gte`, `name.gt`, `name.lte`, `name.lt`.
    ///
    /// # Errors
    /// When one of them is no instant with a time zone.
    pub fn range(&mut self, name: &str) -> Result<TimeRange, QueryRefused> {
        let mut bound = |suffix: &str| -> Result<Option<i64>, QueryRefused> {
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
    pub fn finish(self) -> Result<(), QueryRefused> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                let shown: String = name.chars().take(64).collect();
                Err(QueryRefused(format!("{}: this parameter is not known here", shown.escape_default())))
            }
        }
    }
}

/// A span of time, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// Its first microsecond.
    pub from: Option<i64>,
    /// The first microsecond after it.
    pub until: Option<i64>,
}

impl TimeRange {
    /// Whether it bounds nothing.
    pub const fn is_open(self) -> bool {
        self.from.is_none() && self.until.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_is_refused_by_name() {
        let mut query = ComplianceQuery::read("a%5B%5D=1&a[]=2&limit=7&b=x").unwrap();
        assert_eq!(query.take_all("a").unwrap(), ["1", "2"]);
        assert_eq!(query.limit(100, 1_000), Ok(7));
        assert_eq!(
            query.clone().finish(),
            Err(QueryRefused("b: this parameter is not known here".to_owned()))
        );
        assert_eq!(query.take("b").unwrap().as_deref(), Some("x"));
        assert_eq!(query.finish(), Ok(()));
        assert!(ComplianceQuery::read("b=1&b=2").unwrap().take("b").is_err());
    }

    #[test]
    fn limits_are_numbers_within_bounds() {
        for wrong in ["0", "1001", "-1", "", "ten", "99999999999999999999"] {
            assert!(
                ComplianceQuery::read(&format!("limit={wrong}")).unwrap().limit(100, 1_000).is_err(),
                "{wrong}"
            );
        }
        assert_eq!(ComplianceQuery::default().limit(100, 1_000), Ok(100));
    }

    #[test]
    fn ranges_take_the_narrowest_bound() {
        let text = "created_at.gte=1970-01-01T00:00:01Z&created_at.gt=1970-01-01T00:00:00.5Z&created_at.lt=1970-01-01T01:00:09%2B01:00";
        let range = ComplianceQuery::read(text).unwrap().range("created_at").unwrap();
        assert_eq!(range, TimeRange { from: Some(1_000_000), until: Some(9_000_000) });
        let one =
            ComplianceQuery::read("created_at.gt=1970-01-01T00:00:01Z&created_at.lte=1970-01-01T00:00:02Z")
                .unwrap();
        let one = one.clone().range("created_at").unwrap();
        assert_eq!(one, TimeRange { from: Some(1_000_001), until: Some(2_000_001) });
        for wrong in ["2026-11-01", "2026-11-01T00:00:00", "yesterday"] {
            let refused =
                ComplianceQuery::read(&format!("created_at.lt={wrong}")).unwrap().range("created_at");
            let Err(QueryRefused(text)) = refused else { panic!("{wrong}") };
            assert!(text.starts_with("created_at.lt:"), "{text}");
        }
    }
}
