//! Signing in at an OpenID Connect provider: the authorization code flow with PKCE, `state` and `nonce`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fiducia_custody::ProviderIdentity;
use fiducia_policy::{Clock, Randomness, RandomnessUnavailable, Timestamp};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdTokenClaims, CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::url::Url;
use openidconnect::{
    AccessToken, AuthenticationContextClass, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
};

use super::provider_client::ProviderClient;
use super::settings::IdentityProviderSettings;
use crate::secret::Secret;
use crate::{SecretUnreadable, StartError};

/// How long what a provider says about itself, its keys included, is believed without asking again, in seconds.
const METADATA_SECONDS: i64 = 600;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider.
pub(super) struct IdentityProvider {
    pub(super) name: String,
    pub(super) label: String,
    settings: IdentityProviderSettings,
    secret: Option<Secret>,
    redirect: String,
    http: ProviderClient,
    clock: Arc<dyn Clock>,
    metadata: tokio::sync::Mutex<Option<(Timestamp, CoreProviderMetadata)>>,
}

/// A sign-in that went to the provider.
pub(super) struct Departure {
    /// Where the browser goes.
    pub(super) url: Url,
    /// What comes back with it.
    pub(super) state: String,
    /// What is needed then.
    pub(super) luggage: Luggage,
}

/// What the console keeps of a sign-in while the browser is at the provider.
pub(super) struct Luggage {
    /// The name of the provider.
    pub(super) provider: String,
    /// The secret of the visit that left.
    pub(super) visit: [u8; 32],
    /// Where to go afterwards.
    pub(super) next: String,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// Why a provider signed nobody in. The texts are for the log; they hold no secrets and no names of people.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProviderFailed {
    #[error("the provider could not be asked: {0}")]
    Unanswered(String),
    #[error("the provider's answer does not hold: {0}")]
    Unsound(String),
    #[error(transparent)]
    Randomness(#[from] RandomnessUnavailable),
}

impl IdentityProvider {
    /// A provider that was not asked anything yet.
    pub(super) fn new(
        name: &str,
        settings: &IdentityProviderSettings,
        origin: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StartError> {
        let unfit = |reason: String| StartError::Provider { provider: name.to_owned(), reason };
        let read = |source| Secret::read(source).map_err(|cause: SecretUnreadable| unfit(cause.to_string()));
        Ok(Self {
            name: name.to_owned(),
            label: settings.label.clone(),
            secret: settings.client_secret.as_ref().map(read).transpose()?,
            redirect: format!("{origin}/sign-in/return/{name}"),
            http: ProviderClient::new(settings.ca_file.as_deref()).map_err(unfit)?,
            clock,
            settings: settings.clone(),
            metadata: tokio::sync::Mutex::new(None),
        })
    }

    /// Sends a browser to the provider.
    pub(super) async fn depart(
        &self,
        visit: [u8; 32],
        next: String,
        randomness: &dyn Randomness,
    ) -> Result<Departure, ProviderFailed> {
        let client = self.client().await?;
        let (state, nonce) = (random_text(randomness)?, Nonce::new(random_text(randomness)?));
        let verifier = PkceCodeVerifier::new(random_text(randomness)?);
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let (given_state, given_nonce) = (state.clone(), nonce.clone());
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(given_state),
                move || given_nonce,
            )
            .set_pkce_challenge(challenge);
        for scope in &self.settings.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        for class in &self.settings.acr_values {
            request = request.add_auth_context_value(AuthenticationContextClass::new(class.clone()));
        }
        let (url, _, _) = request.url();
        let luggage = Luggage { provider: self.name.clone(), visit, next, nonce, verifier };
        Ok(Departure { url, state, luggage })
    }

    /// Takes the code that a browser brings back. `issuer` is what the provider says who it is, where it says so (RFC 9207).
    pub(super) async fn arrive(
        &self,
        code: String,
        issuer: Option<&str>,
        luggage: Luggage,
    ) -> Result<ProviderIdentity, ProviderFailed> {
        let unsound = |text: &dyn std::fmt::Display| ProviderFailed::Unsound(text.to_string());
        if issuer.is_some_and(|issuer| issuer != self.settings.issuer) {
            return Err(unsound(&"it comes from another issuer"));
        }
        let client = self.client().await?;
        let tokens = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| unsound(&error))?
            .set_pkce_verifier(luggage.verifier)
            .request_async(&self.http)
            .await
            .map_err(|error| unsound(&error))?;
        let token = tokens.id_token().ok_or_else(|| unsound(&"it has no ID token"))?;
        let now = self.clock.now();
        let verifier = client
            .id_token_verifier()
            .set_time_fn(move || chrono::DateTime::from_timestamp(now.as_second(), 0).unwrap_or_default());
        let claims = token.claims(&verifier, &luggage.nonce).map_err(|error| unsound(&error))?;
        self.check_class(claims)?;
        let verified_email = if self.settings.link_by_email {
            self.verified_email(&client, claims, tokens.access_token()).await?
        } else {
            None
        };
        Ok(ProviderIdentity {
            issuer: self.settings.issuer.clone(),
            external: claims.subject().as_str().to_owned(),
            verified_email,
        })
    }

    /// Whether the provider looked at the person as closely as the settings ask for.
    fn check_class(&self, claims: &CoreIdTokenClaims) -> Result<(), ProviderFailed> {
        let wanted = &self.settings.acr_values;
        let reached = claims.auth_context_ref().map(|class| class.as_str());
        if wanted.is_empty() || reached.is_some_and(|class| wanted.iter().any(|wanted| wanted == class)) {
            return Ok(());
        }
        Err(ProviderFailed::Unsound("it does not say one of the `acr_values` that are asked for".to_owned()))
    }

    /// The address that the provider has verified, from the ID token or else from its userinfo endpoint.
    async fn verified_email(
        &self,
        client: &Client,
        claims: &CoreIdTokenClaims,
        access: &AccessToken,
    ) -> Result<Option<String>, ProviderFailed> {
        if let Some(email) = claims.email() {
            return Ok((claims.email_verified() == Some(true)).then(|| email.as_str().to_owned()));
        }
        let subject = Some(claims.subject().clone());
        let Ok(request) = client.user_info(access.clone(), subject) else { return Ok(None) };
        let more: CoreUserInfoClaims = request
            .request_async(&self.http)
            .await
            .map_err(|error| ProviderFailed::Unsound(error.to_string()))?;
        let email = more.email().filter(|_| more.email_verified() == Some(true));
        Ok(email.map(|email| email.as_str().to_owned()))
    }

    async fn client(&self) -> Result<Client, ProviderFailed> {
        let unanswered = |text: &dyn std::fmt::Display| ProviderFailed::Unanswered(text.to_string());
        let metadata = self.metadata().await?;
        let secret = self.secret.as_ref().map(|secret| ClientSecret::new(secret.expose().to_owned()));
        let redirect = RedirectUrl::new(self.redirect.clone()).map_err(|error| unanswered(&error))?;
        let id = ClientId::new(self.settings.client_id.clone());
        Ok(CoreClient::from_provider_metadata(metadata, id, secret).set_redirect_uri(redirect))
    }

    async fn metadata(&self) -> Result<CoreProviderMetadata, ProviderFailed> {
        let now = self.clock.now();
        let mut held = self.metadata.lock().await;
        if let Some((at, metadata)) = &*held
            && (0..METADATA_SECONDS).contains(&now.as_second().saturating_sub(at.as_second()))
        {
            return Ok(metadata.clone());
        }
        let unanswered = |text: &dyn std::fmt::Display| ProviderFailed::Unanswered(text.to_string());
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(|error| unanswered(&error))?;
        let found = CoreProviderMetadata::discover_async(issuer, &self.http)
            .await
            .map_err(|error| unanswered(&error))?;
        *held = Some((now, found.clone()));
        Ok(found)
    }
}

/// 256 random bits as 43 characters, the fewest that a PKCE verifier may have.
fn random_text(randomness: &dyn Randomness) -> Result<String, RandomnessUnavailable> {
    let mut bytes = [0_u8; 32];
    randomness.fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
