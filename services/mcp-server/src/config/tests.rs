use std::collections::BTreeMap;
use std::path::Path;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Settings that are enough, with some of them changed.
fn read(changes: &[(&str, &str)]) -> Result<Config, SettingsError> {
    let mut settings = BTreeMap::from([
        ("AGENTCORE_AUTH", "cognito"),
        ("COGNITO_ISSUER", "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Autri"),
        ("DATABASE_URL", "postgres://autri_mcp@127.0.0.1/autri"),
        ("AUTRI_AUDIT_KEY", SECRET),
        ("AUTRI_PUBLIC_URL", "https://mcp.example.com"),
    ]);
    settings.extend(changes.iter().copied());
    Config::read(|name| settings.get(name).map(|value| (*value).into()))
}

fn cognito(config: Config) -> CognitoSettings {
    match config.auth {
        AuthConfig::Cognito(settings) => settings,
        #[cfg(feature = "dev-auth")]
        AuthConfig::Dev { .. } => panic!("not asked for"),
    }
}

#[test]
fn what_is_not_set_has_the_documented_default() {
    let config = read(&[]).unwrap();
    assert_eq!(config.bind, "0.0.0.0:8000".parse().unwrap());
    assert_eq!((config.database_max_connections, config.log.as_str()), (2, "info,rmcp=error"));
    assert_eq!(config.argument_retention, ArgumentRetention::DigestOnly);
    assert!(matches!(config.embedder, EmbedderChoice::None));
    let settings = &config.settings;
    assert!(
        !settings.loopback_only && settings.allowed_hosts.is_empty() && settings.allowed_origins.is_empty()
    );
    assert_eq!(settings.authorization_server, None);
    assert_eq!(settings.required_scope.as_str(), "mcp.autri.ai/mcp.invoke");
    assert_eq!(settings.connector_header, "x-autri-connector-id");
    assert_eq!(settings.protocol, ProtocolOffer::All);
    assert_eq!((settings.max_body_bytes, settings.call_timeout), (65_536, Duration::from_secs(15)));
    let cognito = cognito(config);
    assert_eq!((cognito.client_ids, cognito.audience), (None, None));
    assert_eq!(cognito.required_scope.as_str(), "mcp.autri.ai/mcp.invoke");
    assert_eq!(cognito.also_accepted_scopes, []);
    let jwks = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Autri/.well-known/jwks.json";
    assert_eq!(cognito.jwks_url, jwks.parse().unwrap());
}

#[test]
fn what_is_set_counts() {
    let config = read(&[
        ("AUTRI_BIND", "127.0.0.1:9000"),
        ("AUTRI_AUTHORIZATION_SERVER", "https://auth.example.com/"),
        ("AUTRI_ALLOWED_ORIGINS", "https://app.example.com, http://localhost:3000"),
        ("AUTRI_ALLOWED_HOSTS", "mcp.example.com,"),
        ("AUTRI_AUDIT_ARGUMENTS", "clear"),
        ("AUTRI_MCP_VERSIONS", "legacy"),
        ("AUTRI_CONNECTOR_HEADER", "X-Connector"),
        ("AUTRI_EMBEDDER", "static"),
        ("AUTRI_MODEL_DIR", "/models/small"),
        ("AUTRI_CALL_TIMEOUT_SECS", "300"),
        ("COGNITO_CLIENT_ID", "one, two"),
        ("COGNITO_AUDIENCE", "https://mcp.example.com"),
        ("COGNITO_JWKS_URL", "http://127.0.0.1:4571/keys"),
    ])
    .unwrap();
    let settings = &config.settings;
    assert!(settings.loopback_only);
    assert_eq!(settings.authorization_server.as_deref(), Some("https://auth.example.com"));
    assert_eq!(settings.allowed_origins, ["https://app.example.com", "http://localhost:3000"]);
    assert_eq!(settings.allowed_hosts, ["mcp.example.com"]);
    assert_eq!(settings.protocol, ProtocolOffer::LegacyOnly);
    assert_eq!(settings.connector_header, "x-connector");
    assert_eq!(settings.call_timeout, Duration::from_mins(5));
    assert_eq!(config.argument_retention, ArgumentRetention::Clear);
    let is_small = |folder: &Path| folder == Path::new("/models/small");
    assert!(matches!(&config.embedder, EmbedderChoice::Static { folder } if is_small(folder)));
    let cognito = cognito(config);
    assert_eq!(cognito.client_ids, Some(vec!["one".to_owned(), "two".to_owned()]));
    assert_eq!(cognito.audience.as_deref(), Some("https://mcp.example.com"));
}

#[test]
fn a_bad_value_is_named_and_not_repeated() {
    let cases = [
        ("AGENTCORE_AUTH", "none"),
        ("COGNITO_JWKS_URL", "http://keys.example.com/jwks.json"),
        ("COGNITO_REQUIRED_SCOPE", "two words"),
        // A list that allows some must not become one that allows all.
        ("COGNITO_CLIENT_ID", ","),
        ("COGNITO_ALSO_ACCEPTED_SCOPES", " , "),
        ("AUTRI_ALLOWED_HOSTS", " , "),
        ("AUTRI_ALLOWED_ORIGINS", ","),
        ("DATABASE_MAX_CONNECTIONS", "0"),
        ("DATABASE_MAX_CONNECTIONS", "101"),
        ("DATABASE_MAX_CONNECTIONS", "many"),
        ("AUTRI_AUDIT_KEY", "a-short-secret"),
        ("AUTRI_AUDIT_ARGUMENTS", "yes-please"),
        ("AUTRI_PUBLIC_URL", "mcp.example.com"),
        ("AUTRI_PUBLIC_URL", "ftp://mcp.example.com"),
        ("AUTRI_AUTHORIZATION_SERVER", "not a URL"),
        ("AUTRI_ALLOWED_ORIGINS", "https://app.example.com/"),
        ("AUTRI_ALLOWED_ORIGINS", "https://APP.example.com"),
        ("AUTRI_ALLOWED_ORIGINS", "app.example.com"),
        ("AUTRI_ALLOWED_ORIGINS", "*"),
        ("AUTRI_CONNECTOR_HEADER", "not a header"),
        ("AUTRI_EMBEDDER", "gigantic"),
        ("AUTRI_MCP_VERSIONS", "newest"),
        ("AUTRI_BIND", "localhost"),
        ("AUTRI_MAX_BODY_BYTES", "1023"),
        ("AUTRI_MAX_BODY_BYTES", "1048577"),
        ("AUTRI_CALL_TIMEOUT_SECS", "-1"),
    ];
    for (name, value) in cases {
        let SettingsError(problems) = read(&[(name, value)]).unwrap_err();
        let [problem] = &problems[..] else { panic!("{name}={value}: {problems:?}") };
        assert!(problem.starts_with(&format!("{name}: ")), "{problem}");
        let mentioned = value.len() > 2 && problem.contains(value);
        assert!(!mentioned, "{problem}");
    }
}

#[test]
fn all_problems_are_found_at_once_and_an_empty_value_is_none() {
    let SettingsError(problems) = read(&[
        ("AGENTCORE_AUTH", ""),
        ("DATABASE_URL", ""),
        ("AUTRI_AUDIT_KEY", ""),
        ("AUTRI_PUBLIC_URL", ""),
        ("AUTRI_EMBEDDER", "static"),
        ("AUTRI_BIND", "nowhere"),
    ])
    .unwrap_err();
    let mut names: Vec<_> = problems.iter().map(|problem| problem.split(':').next().unwrap()).collect();
    names.sort_unstable();
    let expected = [
        "AGENTCORE_AUTH",
        "AUTRI_AUDIT_KEY",
        "AUTRI_BIND",
        "AUTRI_MODEL_DIR",
        "AUTRI_PUBLIC_URL",
        "DATABASE_URL",
    ];
    assert_eq!(names, expected);
}

#[cfg(feature = "aws")]
#[test]
fn the_databases_login_is_in_one_place() {
    let secret = read(&[("DATABASE_URL", ""), ("DATABASE_SECRET_ARN", "arn:aws:x")]).unwrap();
    assert!(matches!(secret.database, DatabaseConfig::Secret { arn } if arn == "arn:aws:x"));
    let url = read(&[("DATABASE_SECRET_ARN", "")]).unwrap();
    assert!(matches!(url.database, DatabaseConfig::Url(_)));
    let SettingsError(both) = read(&[("DATABASE_SECRET_ARN", "hunter2")]).unwrap_err();
    assert_eq!(both, ["DATABASE_URL: is set, and so is DATABASE_SECRET_ARN: keep one"]);
    let SettingsError(none) = read(&[("DATABASE_URL", "")]).unwrap_err();
    assert_eq!(none, ["DATABASE_URL: is missing, and so is DATABASE_SECRET_ARN: set one"]);
}

#[cfg(not(feature = "aws"))]
#[test]
fn a_build_without_aws_takes_no_secret_for_a_login() {
    let SettingsError(problems) =
        read(&[("DATABASE_URL", ""), ("DATABASE_SECRET_ARN", "hunter2")]).unwrap_err();
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert!(problem.starts_with("DATABASE_SECRET_ARN: cannot be read by a build without"), "{problem}");
    assert!(read(&[("DATABASE_SECRET_ARN", "hunter2")]).is_err());
}

/// The id of the model that is set up, or the settings that are no good.
#[cfg(all(feature = "bedrock", feature = "openai"))]
fn model(changes: &[(&str, &str)]) -> Result<String, Vec<String>> {
    let config = read(changes).map_err(|SettingsError(problems)| problems)?;
    Ok(config.embedder.open().unwrap().unwrap().model_id().to_owned())
}

#[cfg(all(feature = "bedrock", feature = "openai"))]
#[test]
fn an_embedding_service_is_set_up() {
    let bedrock = ("AUTRI_EMBEDDER", "bedrock");
    assert_eq!(model(&[bedrock]).unwrap(), "amazon.titan-embed-text-v2:0/1024");
    let small = model(&[bedrock, ("AUTRI_EMBEDDING_DIMENSIONS", "256")]);
    assert_eq!(small.unwrap(), "amazon.titan-embed-text-v2:0/256");
    let openai = [
        ("AUTRI_EMBEDDER", "openai"),
        ("AUTRI_EMBEDDING_URL", "https://api.openai.com/v1"),
        ("AUTRI_EMBEDDING_API_KEY", "sk-hunter2"),
        ("AUTRI_EMBEDDING_MODEL", "text-embedding-3-large"),
    ];
    assert_eq!(model(&openai).unwrap(), "openai:text-embedding-3-large/3072");
    let prefixed = model(&[
        ("AUTRI_EMBEDDER", "openai"),
        ("AUTRI_EMBEDDING_URL", "http://127.0.0.1:8080"),
        ("AUTRI_EMBEDDING_MODEL", "intfloat/e5-small-v2"),
        ("AUTRI_EMBEDDING_DIMENSIONS", "384"),
        ("AUTRI_EMBEDDING_QUERY_PREFIX", "query: "),
        ("AUTRI_EMBEDDING_DOCUMENT_PREFIX", "passage: "),
    ])
    .unwrap();
    assert!(prefixed.starts_with("openai:intfloat/e5-small-v2/384+"), "{prefixed}");
    assert!(!format!("{:?}", read(&openai).unwrap()).contains("hunter2"));
}

#[cfg(all(feature = "bedrock", feature = "openai"))]
#[test]
fn an_embedding_service_that_lacks_something_or_has_another_ones_settings_is_refused() {
    let openai: &[(&str, &str)] = &[
        ("AUTRI_EMBEDDER", "openai"),
        ("AUTRI_EMBEDDING_URL", "https://embed.example.com/v1"),
        ("AUTRI_EMBEDDING_MODEL", "mine"),
        ("AUTRI_EMBEDDING_DIMENSIONS", "768"),
    ];
    let bedrock: &[(&str, &str)] = &[("AUTRI_EMBEDDER", "bedrock")];
    model(openai).unwrap();
    for (base, name, value) in [
        (openai, "AUTRI_EMBEDDING_URL", ""),
        (openai, "AUTRI_EMBEDDING_URL", "http://embed.example.com/v1"),
        (openai, "AUTRI_EMBEDDING_URL", "https://embed.example.com/v1?key=sk-1"),
        (openai, "AUTRI_EMBEDDING_MODEL", ""),
        (openai, "AUTRI_EMBEDDING_MODEL", "not a name"),
        (openai, "AUTRI_EMBEDDING_DIMENSIONS", ""),
        (openai, "AUTRI_EMBEDDING_DIMENSIONS", "many"),
        (openai, "AUTRI_EMBEDDING_DIMENSIONS", "4001"),
        (openai, "AUTRI_EMBEDDING_API_KEY", "sk-1\n"),
        (openai, "AUTRI_EMBEDDING_QUERY_PREFIX", "\u{1b}[2J"),
        (bedrock, "AUTRI_EMBEDDING_DIMENSIONS", "768"),
        (bedrock, "AUTRI_EMBEDDING_DIMENSIONS", "many"),
        (bedrock, "AUTRI_EMBEDDING_URL", "https://embed.example.com/v1"),
        (bedrock, "AUTRI_EMBEDDING_MODEL", "text-embedding-3-small"),
        (bedrock, "AUTRI_EMBEDDING_API_KEY", "sk-hunter2"),
    ] {
        let problems = model(&[base, &[(name, value)]].concat()).unwrap_err();
        let [problem] = &problems[..] else { panic!("{name}={value:?}: {problems:?}") };
        assert!(problem.starts_with(&format!("{name}: ")), "{name}={value:?}: {problem}");
        assert!(!problem.contains("sk-"), "{problem}");
    }
}

#[cfg(not(feature = "bedrock"))]
#[test]
fn a_build_without_bedrock_says_so() {
    let SettingsError(problems) = read(&[("AUTRI_EMBEDDER", "bedrock")]).unwrap_err();
    assert_eq!(problems, ["AUTRI_EMBEDDER: cannot be `bedrock` in a build without the feature `bedrock`"]);
}

#[cfg(not(feature = "transformer"))]
#[test]
fn a_build_without_the_transformer_says_so() {
    let SettingsError(problems) = read(&[("AUTRI_EMBEDDER", "transformer")]).unwrap_err();
    assert_eq!(
        problems,
        ["AUTRI_EMBEDDER: cannot be `transformer` in a build without the feature `transformer`"]
    );
}

#[cfg(feature = "transformer")]
#[test]
fn the_transformer_is_in_a_folder() {
    let config = read(&[("AUTRI_EMBEDDER", "transformer"), ("AUTRI_MODEL_DIR", "/models/large")]).unwrap();
    assert!(
        matches!(&config.embedder, EmbedderChoice::Transformer { folder } if folder == Path::new("/models/large"))
    );
    let SettingsError(problems) = read(&[("AUTRI_EMBEDDER", "transformer")]).unwrap_err();
    assert_eq!(problems, ["AUTRI_MODEL_DIR: is missing"]);
}

#[cfg(not(feature = "openai"))]
#[test]
fn a_build_without_openai_says_so() {
    let SettingsError(problems) = read(&[("AUTRI_EMBEDDER", "openai")]).unwrap_err();
    assert_eq!(problems, ["AUTRI_EMBEDDER: cannot be `openai` in a build without the feature `openai`"]);
}

#[cfg(not(feature = "dev-auth"))]
#[test]
fn development_tokens_do_not_exist_in_this_build() {
    let settings =
        [("AGENTCORE_AUTH", "hs256-dev"), ("AUTRI_DEV_JWT_SECRET", SECRET), ("AUTRI_BIND", "127.0.0.1:0")];
    let SettingsError(problems) = read(&settings).unwrap_err();
    assert_eq!(problems, ["AGENTCORE_AUTH: is not a known value; it must be `cognito`"]);
}

#[cfg(feature = "dev-auth")]
mod dev {
    use super::*;

    fn dev(bind: &str, secret: &str) -> Result<Config, SettingsError> {
        read(&[("AGENTCORE_AUTH", "hs256-dev"), ("AUTRI_DEV_JWT_SECRET", secret), ("AUTRI_BIND", bind)])
    }

    #[test]
    fn development_tokens_are_taken_on_loopback() {
        for bind in ["127.0.0.1:8000", "[::1]:0"] {
            let config = dev(bind, SECRET).unwrap();
            assert!(matches!(config.auth, AuthConfig::Dev { .. }) && config.settings.loopback_only, "{bind}");
        }
    }

    #[test]
    fn development_tokens_are_taken_nowhere_else() {
        for bind in ["0.0.0.0:8000", "[::]:8000", "10.0.0.1:8000", ""] {
            let SettingsError(problems) = dev(bind, SECRET).unwrap_err();
            assert_eq!(problems.len(), 1, "{bind}");
            assert!(problems[0].starts_with("AGENTCORE_AUTH: `hs256-dev` serves loopback"), "{problems:?}");
        }
    }

    #[test]
    fn a_short_or_missing_secret_is_refused() {
        for secret in ["", "0123456789abcdef0123456789abcde"] {
            let SettingsError(problems) = dev("127.0.0.1:8000", secret).unwrap_err();
            assert_eq!(problems.len(), 1, "{secret}");
            assert!(problems[0].starts_with("AUTRI_DEV_JWT_SECRET: "), "{problems:?}");
        }
    }
}
