use super::*;
use crate::error::ErrorKind;

fn base() -> &'static FilePath {
    FilePath::new("/project")
}

fn open(text: &str, vars: &[(&str, &str)]) -> Result<Location> {
    Location::open(text, base(), &Env::new(vars.iter().copied()))
}

fn option(location: &Location, name: &str) -> Option<String> {
    location.storage_options().get(name).cloned()
}

#[test]
fn paths_are_relative_to_the_base() {
    for (text, shown) in [
        ("sample_data", "/project/sample_data"),
        ("./a/../b/", "/project/b"),
        ("../elsewhere", "/elsewhere"),
        ("/data/extracts", "/data/extracts"),
        ("file:///data/with%20space", "/data/with space"),
    ] {
        let location = open(text, &[]).unwrap();
        assert_eq!(location.to_string(), shown, "{text}");
        assert_eq!(format!("/{}", location.prefix()), shown);
        assert!(location.url().as_str().ends_with('/'));
    }
}

#[test]
fn urls_become_bucket_and_prefix() {
    let keys = [
        ("AWS_ACCESS_KEY_ID", "k"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AZURE_STORAGE_ACCOUNT", "acct"),
        ("AZURE_STORAGE_KEY", "a2V5"),
    ];
    for (text, prefix, registry) in [
        ("s3://bucket/raw/salesforce/", "raw/salesforce", "s3://bucket/"),
        ("s3a://bucket", "", "s3a://bucket/"),
        ("gs://bucket/raw", "raw", "gs://bucket/"),
        ("az://box/raw", "raw", "az://box/"),
        ("abfss://box@acct.dfs.core.windows.net/raw", "raw", "abfss://box.acct.dfs.core.windows.net/"),
    ] {
        let location = open(text, &keys).unwrap();
        assert_eq!(location.prefix().as_ref(), prefix, "{text}");
        assert_eq!(location.object_store_url().unwrap().as_str(), registry);
        assert_eq!(location.to_string(), text.trim_end_matches('/'));
    }
}

#[test]
fn joining_stays_below() {
    let location = open("s3://bucket/raw", &[("AWS_SKIP_SIGNATURE", "true")]).unwrap();
    let lead = location.join("salesforce/lead").unwrap();
    assert_eq!(lead.url().as_str(), "s3://bucket/raw/salesforce/lead/");
    assert_eq!(lead.prefix().as_ref(), "raw/salesforce/lead");
    assert_eq!(lead.show(&lead.path("a.parquet").unwrap()), "s3://bucket/raw/salesforce/lead/a.parquet");
    assert_eq!(location.join("../other").unwrap_err().kind(), ErrorKind::Project);
}

#[test]
fn bad_text_is_a_mistake_of_the_project() {
    for (text, said) in [
        ("", "empty"),
        ("s3://", "no bucket"),
        ("gcs://bucket", "gcs://"),
        ("ftp://host/x", "ftp://"),
        ("file://host/x", "host"),
        ("~/data", "`~`"),
        ("az://box/raw", "cannot be used"),
    ] {
        let error = open(text, &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Project, "{text}");
        assert!(error.to_string().contains(said), "{text}: {error}");
        assert!(error.hint().is_some(), "{text}");
    }
    assert!(open("gcs://bucket", &[]).unwrap_err().hint().unwrap().contains("gs://"));
}

#[test]
fn the_s3_endpoint_wins_and_plain_http_is_allowed_where_named() {
    let location = open(
        "s3://b/p",
        &[
            ("AWS_ACCESS_KEY_ID", "k"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_ENDPOINT_URL", "https://general"),
            ("AWS_ENDPOINT_URL_S3", "http://localhost:9000"),
            ("AWS_DEFAULT_REGION", "eu-west-1"),
        ],
    )
    .unwrap();
    assert_eq!(option(&location, "aws_endpoint").as_deref(), Some("http://localhost:9000"));
    assert_eq!(option(&location, "allow_http").as_deref(), Some("true"));
    assert_eq!(option(&location, "aws_region").as_deref(), Some("eu-west-1"));
    assert_eq!(option(&location, "max_retries").as_deref(), Some("8"));
}

#[test]
fn azure_answers_to_the_names_of_its_own_tools() {
    let text = "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5PT0=;EndpointSuffix=core.windows.net";
    let location = open("az://box/x", &[("AZURE_STORAGE_CONNECTION_STRING", text)]).unwrap();
    assert_eq!(option(&location, "azure_storage_account_name").as_deref(), Some("acct"));
    assert_eq!(option(&location, "azure_storage_account_key").as_deref(), Some("a2V5PT0="));
}

#[test]
fn profiles_fill_what_the_environment_leaves_open() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(home.path().join(".aws").join(name), text).unwrap();
    write(
        "credentials",
        "[default]\naws_access_key_id = DK\naws_secret_access_key=DS\n\n[ops]\naws_access_key_id = OK # ours\naws_secret_access_key = OS\naws_session_token = OT\n",
    );
    write(
        "config",
        "[default]\nregion = us-west-2\n[profile ops]\nregion=eu-north-1\nservices = local\n[services local]\ns3 =\n  endpoint_url = http://minio:9000\n[profile sso]\nsso_session = corp\n",
    );
    let home = home.path().to_str().unwrap();

    let default = open("s3://b/p", &[("HOME", home)]).unwrap();
    assert_eq!(option(&default, "aws_access_key_id").as_deref(), Some("DK"));
    assert_eq!(option(&default, "aws_region").as_deref(), Some("us-west-2"));

    let ops = open("s3://b/p", &[("HOME", home), ("AWS_PROFILE", "ops")]).unwrap();
    assert_eq!(option(&ops, "aws_access_key_id").as_deref(), Some("OK"));
    assert_eq!(option(&ops, "aws_session_token").as_deref(), Some("OT"));
    assert_eq!(option(&ops, "aws_endpoint").as_deref(), Some("http://minio:9000"));

    let vars = [("HOME", home), ("AWS_PROFILE", "ops"), ("AWS_ACCESS_KEY_ID", "EK"), ("AWS_SECRET_ACCESS_KEY", "ES")];
    let both = open("s3://b/p", &vars).unwrap();
    assert_eq!(option(&both, "aws_access_key_id").as_deref(), Some("EK"));
    assert_eq!(option(&both, "aws_session_token"), None, "a token of the profile does not belong to other keys");

    let sso = open("s3://b/p", &[("HOME", home), ("AWS_PROFILE", "sso")]).unwrap_err();
    assert!(sso.hint().unwrap().contains("export-credentials --profile sso"), "{sso}");
    let nobody = open("s3://b/p", &[("HOME", home), ("AWS_PROFILE", "nobody")]).unwrap_err();
    assert!(nobody.to_string().contains("`nobody`"));
}

#[test]
fn secrets_are_never_shown() {
    let env = Env::new([
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hush-hush"),
        ("AWS_SESSION_TOKEN", "tok-tok"),
    ]);
    let location = Location::open("s3://bucket/p", base(), &env).unwrap();
    let inner = object_store::Error::Generic { store: "S3", source: "denied for hush-hush and tok-tok".into() };
    let error = location.error("reading `p`", &inner);
    let shown = format!("{location} {location:?} {env:?} {error} {error:?}");
    assert!(!shown.contains("hush-hush") && !shown.contains("tok-tok"), "{shown}");
    for text in ["s3://key:hush-hush@bucket/p", "az://box/p?sig=hush-hush"] {
        let error = Location::open(text, base(), &env).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush-hush"), "{error}");
    }
}

#[tokio::test]
async fn an_unreachable_store_is_the_worlds_fault_and_does_not_hang() {
    let vars = [
        ("AWS_ACCESS_KEY_ID", "k"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9"),
        ("MARQUETRY_STORE_RETRIES", "1"),
    ];
    let location = open("s3://bucket/p", &vars).unwrap();
    let error = object_store::ObjectStoreExt::head(&location.store(), location.prefix()).await.unwrap_err();
    let error = location.error("reading `p`", &error);
    assert_eq!(error.kind(), ErrorKind::World);
    assert_eq!(open("s3://b", &[("MARQUETRY_STORE_RETRIES", "many")]).unwrap_err().kind(), ErrorKind::Project);
}
