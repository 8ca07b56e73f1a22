//! The provider behind the gateway: the scripted model, in the test's own process, so that it survives what is done to
//! the program.

use std::collections::HashMap;
use std::net::SocketAddr;

use fiducia_server::scripted::{RunningScriptedModel, ScriptedModel};

/// What the scripted model answers to a text that is not in the script. It is a canary: no file may hold it.
pub(crate) const FALLBACK: &str = "fallback-answer-Jd83kQpV5";

/// A provider that answers until it is dropped.
pub(crate) struct Upstream {
    running: RunningScriptedModel,
}

impl Upstream {
    /// A provider that answers everything with [`FALLBACK`].
    pub(crate) fn start() -> Self {
        Self::with_script(HashMap::new())
    }

    /// A provider that answers these texts with these answers.
    pub(crate) fn with_script(answers: HashMap<String, String>) -> Self {
        let model = ScriptedModel { answers, fallback: FALLBACK.to_owned() };
        Self { running: model.start("127.0.0.1:0".parse().unwrap()).unwrap() }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }
}
