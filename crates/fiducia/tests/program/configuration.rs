//! `config check`, `keyfile create`, `--help`.

use std::os::unix::fs::PermissionsExt;

use super::place::{Place, program, run};

#[test]
fn a_sound_configuration_passes() {
    Place::new().run(&["config", "check"]).exits(0).prints("no problems found");
}

#[test]
fn a_missing_file_is_a_usage_error_that_says_where_to_start() {
    let place = Place::new();
    let outcome = place.run(&["config", "check", "absent.toml"]).exits(2);
    outcome.complains("absent.toml").complains("fiducia.example.toml");
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_the_nearest_key() {
    let place = Place::new();
    place.configure("[operations]\nlisen = \"127.0.0.1:1\"\n");
    let outcome = place.run(&["config", "check"]).exits(2);
    outcome
        .complains("line 12, column 1: `lisen` is not a key here; did you mean `listen`?")
        .complains("^^^^^");
}

#[test]
fn every_problem_is_reported_at_once() {
    let place = Place::new();
    place.configure(
        "[providers.remote]\nkind = \"compatible\"\nbase_url = \"http://models.example\"\n\
         [providers.claude]\nkind = \"anthropic\"\nkey = { environment = \"FIDUCIA_TEST_UNSET\" }\n\
         [telemetry]\nsample_ratio = 3.0\n",
    );
    let outcome = place.run(&["config", "check"]).exits(2);
    outcome
        .complains("3 problems")
        .complains("in the clear")
        .complains("FIDUCIA_TEST_UNSET")
        .complains("sample_ratio");
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let place = Place::new();
    place.configure("[providers.claude]\nkind = \"anthropic\"\nkey = \"sk-ant-canary\"\n");
    let outcome = place.run(&["config", "check"]).exits(2).complains("does not belong in this file");
    assert!(!outcome.stderr.contains("canary"), "{outcome:#?}");
}

#[test]
fn a_keyfile_is_private_and_never_overwritten() {
    let place = Place::new();
    let path = place.path("root.key");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&path).unwrap();
    place.run(&["keyfile", "create", "root.key"]).exits(2).complains("left alone");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_keyfile_that_others_may_read_or_that_lies_with_the_data_is_refused() {
    let place = Place::new();
    std::fs::set_permissions(place.path("root.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    place.run(&["organizations", "create", "acme"]).exits(2).complains("chmod 600");

    let place = Place::new();
    std::fs::create_dir(place.path("data")).unwrap();
    std::fs::set_permissions(place.path("data"), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::rename(place.path("root.key"), place.path("data/root.key")).unwrap();
    let text = std::fs::read_to_string(place.path("fiducia.toml")).unwrap();
    std::fs::write(place.path("fiducia.toml"), text.replace("\"root.key\"", "\"data/root.key\"")).unwrap();
    place.run(&["organizations", "create", "acme"]).exits(2).complains("lies inside");
}

#[test]
fn the_help_documents_exit_codes_and_every_command_has_its_own() {
    let outcome = run(program().arg("--help")).exits(0).prints("Exit codes:").prints("130");
    for command in ["serve", "demo", "doctor", "import", "records", "ledger", "sweep"] {
        assert!(outcome.stdout.contains(command));
        run(program().args([command, "--help"])).exits(0);
    }
    run(program().arg("frobnicate")).exits(2);
}

#[test]
fn the_example_configuration_has_no_unknown_keys() {
    let place = Place::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fiducia.example.toml");
    let outcome = place.run(&["config", "check", example]);
    // Its keys and paths do not exist here; everything else must be right.
    assert!(!outcome.stderr.contains("line "), "{outcome:#?}");
    assert!(!outcome.stderr.contains("is not a key here"), "{outcome:#?}");
}
