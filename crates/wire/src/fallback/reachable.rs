//! The models that a request can reach.

use crate::json::{Cursor, Kind};
use crate::outline::{member_text, text};
use crate::{Fallbacks, Outline, RequestError};

/// The most models that a request may name in `fallbacks`, from the Messages API's own limit.
pub const FALLBACKS_MAX: usize = 3;

/// What an entry of `fallbacks` may say besides the model. Anything else is refused by the provider too, and could name
/// models in a way that is not known here.
const OVERRIDES: [&str; 4] = ["max_tokens", "thinking", "output_config", "speed"];

/// The models that may answer a request, or have a part in its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachableModels<'a> {
    /// Every model that the request names: the one asked for first, its fallbacks in order, models of advisor tools. Each
    /// once.
    pub named: Vec<&'a str>,
    /// Whether the provider may choose others (`"fallbacks": "default"`). Its table is not published, so a policy that
    /// refuses any model must take this for all that the provider permits.
    pub provider_chooses: bool,
}

impl Outline {
    /// Which models the request can reach. A policy on models is asked about all of them.
    pub fn reachable_models(&self) -> ReachableModels<'_> {
        let fallbacks: &[String] = match &self.fallbacks {
            Fallbacks::Models(models) => models,
            Fallbacks::None | Fallbacks::ProviderChoice => &[],
        };
        let mut named: Vec<&str> = vec![&self.model];
        for model in fallbacks.iter().chain(&self.features.advisor_models) {
            if !named.contains(&model.as_str()) {
                named.push(model);
            }
        }
        ReachableModels { named, provider_chooses: self.fallbacks == Fallbacks::ProviderChoice }
    }
}

/// The `fallbacks` at the cursor. Whether one repeats `model` is for the outline to say, which may not know it yet.
pub(crate) fn fallbacks(cursor: &mut Cursor<'_>) -> Result<Fallbacks, RequestError> {
    match cursor.kind()? {
        Kind::String if text(cursor, "fallbacks")? == "default" => Ok(Fallbacks::ProviderChoice),
        Kind::Array => {
            let mut models: Vec<String> = Vec::new();
            cursor.elements(|cursor| {
                if models.len() == FALLBACKS_MAX {
                    return Err(RequestError::FallbackCount { fallbacks_max: FALLBACKS_MAX });
                }
                let model = entry(cursor)?;
                if models.contains(&model) {
                    return Err(RequestError::FallbackRepeated);
                }
                models.push(model);
                Ok(())
            })?;
            if models.is_empty() {
                return Err(RequestError::FallbackCount { fallbacks_max: FALLBACKS_MAX });
            }
            Ok(Fallbacks::Models(models))
        }
        _ => Err(RequestError::WrongType {
            field: "fallbacks",
            expected: "\"default\" or an array of objects",
        }),
    }
}

/// One entry's model. Its members are looked at first, because a reader that stops at an unknown one would be another reader.
fn entry(cursor: &mut Cursor<'_>) -> Result<String, RequestError> {
    if cursor.kind()? != Kind::Object {
        return Err(RequestError::WrongType { field: "fallbacks[]", expected: "an object" });
    }
    cursor.clone().members(|cursor, name| {
        let name = name.lossy();
        if name != "model" && !OVERRIDES.contains(&&*name) {
            return Err(RequestError::FallbackMember);
        }
        cursor.skip().map(drop)
    })?;
    let model = member_text(cursor, "model", "fallbacks[].model")?;
    model.filter(|model| !model.is_empty()).ok_or(RequestError::Missing { field: "fallbacks[].model" })
}
