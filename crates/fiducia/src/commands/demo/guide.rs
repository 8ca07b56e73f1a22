//! What the demo prints: things to paste that work as they stand.

use std::fmt;
use std::path::Path;

use fiducia_custody::ConversationRow;
use fiducia_policy::OrganizationId;
use fiducia_server::Addresses;

use super::samples::QUESTION;

/// What a newcomer needs to know about a running demo.
pub(super) struct Guide<'a> {
    pub(super) addresses: &'a Addresses,
    pub(super) secret: &'a str,
    pub(super) configuration: &'a Path,
    pub(super) directory: &'a Path,
    pub(super) organization: OrganizationId,
    pub(super) conversations: &'a [ConversationRow],
}

impl Guide<'_> {
    /// The command lines to try, with what each shows.
    fn commands(&self) -> Vec<(String, &'static str)> {
        let mut commands =
            vec![("records list --conversations 3".to_owned(), "sealed records and what keeps them")];
        let mut conversations = self.conversations.iter();
        if let Some(row) = conversations.next() {
            let read = format!("records show {} --reason customer_support --ticket DEMO-1", row.id);
            commands.push((read, "reading needs a reason; the ledger has it first"));
        }
        if let Some(row) = conversations.next() {
            commands.push((
                format!("records delete {} --yes", row.id),
                "its person's key destroyed, read back; what another ground keeps is listed with its date",
            ));
            commands.push((
                format!("records show {} --reason customer_support --ticket CASE-1042", row.id),
                "the deleted one: no key path is left for its person's use",
            ));
        }
        commands.push(("ledger tail".to_owned(), "what was just written down about all this"));
        commands.push(("ledger verify".to_owned(), "every hash and signature, recomputed"));
        commands.push(("doctor".to_owned(), "the configuration, the machine and the data"));
        commands
    }
}

impl fmt::Display for Guide<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { addresses, secret, .. } = self;
        let gateway = addresses.gateway;
        writeln!(
            f,
            "\nThe demo is running. It ends with Ctrl-C; its data stays in {}.\n",
            self.directory.display()
        )?;
        writeln!(f, "Ask the scripted model through the gateway:\n")?;
        writeln!(
            f,
            "  curl -sS http://{gateway}/v1/messages -H 'x-api-key: {secret}' -H 'anthropic-version: 2023-06-01' \
             -H 'content-type: application/json' -d '{{\"model\":\"scripted\",\"max_tokens\":256,\
             \"messages\":[{{\"role\":\"user\",\"content\":\"{QUESTION}\"}}]}}'\n"
        )?;
        writeln!(f, "The same from Python (pip install anthropic); only the base URL and the key change:\n")?;
        writeln!(f, "  import anthropic")?;
        writeln!(f, "  client = anthropic.Anthropic(base_url=\"http://{gateway}\", api_key=\"{secret}\")")?;
        writeln!(f, "  message = client.messages.create(model=\"scripted\", max_tokens=256,")?;
        writeln!(f, "      messages=[{{\"role\": \"user\", \"content\": \"{QUESTION}\"}}])")?;
        writeln!(f, "  print(message.content[0].text)\n")?;
        writeln!(f, "And from Node (npm install openai), over the other wire:\n")?;
        writeln!(f, "  import OpenAI from \"openai\";")?;
        writeln!(
            f,
            "  const client = new OpenAI({{ baseURL: \"http://{gateway}/v1\", apiKey: \"{secret}\" }});"
        )?;
        writeln!(f, "  const answer = await client.chat.completions.create({{ model: \"scripted\",")?;
        writeln!(f, "    messages: [{{ role: \"user\", content: \"{QUESTION}\" }}] }});")?;
        writeln!(f, "  console.log(answer.choices[0].message.content);\n")?;
        if let Some(operations) = addresses.operations {
            writeln!(f, "Look at it:\n")?;
            writeln!(f, "  http://{operations}/readyz")?;
            writeln!(f, "  http://{operations}/metrics")?;
            writeln!(f, "  http://{operations}/ledger/{}/checkpoint\n", self.organization.uuid())?;
        }
        writeln!(f, "Then, in another terminal, in this order:\n")?;
        let program = std::env::current_exe().unwrap_or_else(|_| "fiducia".into());
        let (program, configuration) = (quoted(&program), quoted(self.configuration));
        for (command, shows) in self.commands() {
            writeln!(f, "  # {shows}\n  {program} {command} --config {configuration}")?;
        }
        Ok(())
    }
}

/// A path as a shell reads it back.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+@:".contains(character);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_the_shell() {
        assert_eq!(quoted(Path::new("/srv/demo-data/fiducia.toml")), "/srv/demo-data/fiducia.toml");
        assert_eq!(quoted(Path::new("/srv/it's here")), "'/srv/it'\\''s here'");
    }
}
