//! Kinds of certificates.k8s.io.

use serde_json::{Value, json};

use super::{Extra, Kind};
use crate::script::Dice;

/// Requests of `ada` in `writers` and of `bob.example.com`, of keys that nobody has any more.
const REQUESTS: [&str; 2] = [
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIYU1JR0NBZ0VBTUNBeEREQUtCZ05WQkFNTUEyRmtZVEVRTUE0R0ExVUVDZ3dIZDNKcGRHVnljekJaTUJNRwpCeXFHU000OUFnRUdDQ3FHU000OUF3RUhBMElBQkNpNm8rYTRJVnNqMWZRZjFHYTFXYU0yZnhCSGJGZjV5VVdrClZTclU1Z0pxM2g5dHBxRFVqNVkvQ1hFOW85Q3pFVGNsQ245WTBnVGJOSmplZ2xCUUYxK2dBREFLQmdncWhrak8KUFFRREFnTkhBREJFQWlBeTFBam1CSUhVZmlQV1RCb25teXVGRVVXQmZKL1RSL21qR3ZHVjZjeWV0Z0lnRUYwSwpZNHhuZ3paSnV1Q01qMkM3bTAyVS90K1BGamFicXk0SnkzMjBsaUE9Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=",
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlHNk1HNENBUUF3RGpFTU1Bb0dBMVVFQXd3RFltOWlNQ293QlFZREsyVndBeUVBcFpNY1YvamhhN1UzWlJyYgpFKzRIU1NZZEpiNnB0Y1Z2cEdoL1lSNDBGaHVnTFRBckJna3Foa2lHOXcwQkNRNHhIakFjTUJvR0ExVWRFUVFUCk1CR0NEMkp2WWk1bGVHRnRjR3hsTG1OdmJUQUZCZ01yWlhBRFFRRDZVWjFhd1VUMEgvZkRQOW4xYm53bUN0ajYKeE5ERzY1REVTS3docERWM3hVWEpOMUtoamRybVh4a2xWU3Zma3BZNjVlNzVLY1pPa1N0UFNiUzhxcHdHCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=",
];

/// A certificate of `bob`.
const CERTIFICATE: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJNakNCNWFBREFnRUNBaFFOS3N0WjNKU21mdU05UmZNaXpFanUzTzNvanpBRkJnTXJaWEF3RGpFTU1Bb0cKQTFVRUF3d0RZbTlpTUNBWERUSTJNVEV5TkRFME1Ua3lOMW9ZRHpJeE1qWXhNRE14TVRReE9USTNXakFPTVF3dwpDZ1lEVlFRRERBTmliMkl3S2pBRkJnTXJaWEFESVFDbGt4eFgrT0ZydFRkbEd0c1Q3Z2RKSmgwbHZxbTF4VytrCmFIOWhIalFXRzZOVE1GRXdIUVlEVlIwT0JCWUVGUEw1TWVHUWhQYWJRZzBuMmlKTzZFZnBiNFN3TUI4R0ExVWQKSXdRWU1CYUFGUEw1TWVHUWhQYWJRZzBuMmlKTzZFZnBiNFN3TUE4R0ExVWRFd0VCL3dRRk1BTUJBZjh3QlFZRApLMlZ3QTBFQUhaWjVXY09pSy8vN1ZQNXYwSnZTM2dvR0QwNFMvTy9xYUpjYVFYODB0a2thUTlUQUpwU2oxUVlKCnJwMG9lci93cGVOQnFnV1ZWRXN4Q0FIaEFwQWZEUT09Ci0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K";

const MERGE: &str = "application/merge-patch+json";

const APPROVED: &str =
    r#"{"status":{"conditions":[{"type":"Approved","status":"True","reason":"Known","message":"one of us"}]}}"#;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "CertificateSigningRequest",
    api_version: "certificates.k8s.io/v1",
    plural: "certificatesigningrequests",
    namespaced: false,
    variant: request,
    poisons: &[
        ("/spec", "null"),
        ("/spec", "{}"),
        ("/spec/request", "null"),
        ("/spec/request", "\"\""),
        ("/spec/request", "\"AAEC\""),
        ("/spec/request", "\"***\""),
        ("/spec/request", "5"),
        // Blocks of another kind, of nothing, of an integer, and of what is cut off.
        ("/spec/request", "\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBRUMKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=\""),
        (
            "/spec/request",
            "\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUFBPQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K\"",
        ),
        (
            "/spec/request",
            "\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KQWdFQQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K\"",
        ),
        (
            "/spec/request",
            "\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUFVQwotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K\"",
        ),
        // Of a master.
        (
            "/spec/request",
            "\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlHbU1Gb0NBUUF3SnpFTU1Bb0dBMVVFQXd3RFpYWmxNUmN3RlFZRFZRUUtEQTV6ZVhOMFpXMDZiV0Z6ZEdWeQpjekFxTUFVR0F5dGxjQU1oQUtXVEhGZjQ0V3UxTjJVYTJ4UHVCMGttSFNXK3FiWEZiNlJvZjJFZU5CWWJvQUF3CkJRWURLMlZ3QTBFQUg1d0w0MnVhVjBmRFFNR1ZVU1BCYjJDT2hQRW80VEl1MENxSmkxQzZ5UCtHY2ZzSzg4NngKTWhVcHVGUEtOcXkrNGFkc3czVzBJQlRZblJKdklObHlEUT09Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=\"",
        ),
        ("/spec/usages", "[]"),
        ("/spec/usages", "null"),
        ("/spec/usages", "[\"client auth\",\"client auth\"]"),
        ("/spec/usages", "[\"odd\",\"any\"]"),
        ("/spec/signerName", "\"\""),
        ("/spec/signerName", "\"one\""),
        ("/spec/signerName", "\"one/two\""),
        ("/spec/signerName", "\"Example.com/a_b\""),
        ("/spec/signerName", "\"example.com/a/b\""),
        ("/spec/signerName", "\"kubernetes.io/legacy-unknown\""),
        ("/spec/expirationSeconds", "599"),
        ("/spec/expirationSeconds", "\"x\""),
        ("/spec/expirationSeconds", "null"),
        ("/spec/username", "\"somebody\""),
        ("/spec/groups", "[\"system:masters\"]"),
        ("/spec/extra", "{\"a\":[\"b\"]}"),
        ("/status", "{\"conditions\":[{\"type\":\"Approved\",\"status\":\"True\"}]}"),
        ("/metadata/name", "\"a/b\""),
    ],
    status: Some(status),
    status_poisons: &[
        ("/status/conditions", "[{}]"),
        ("/status/conditions", "[{\"type\":\"Failed\",\"status\":\"False\"}]"),
        ("/status/conditions", "[{\"type\":\"Odd\",\"status\":\"Odd\"},{\"type\":\"Odd\",\"status\":\"True\"}]"),
        ("/status/conditions", "[{\"type\":\"Approved\",\"status\":\"True\"}]"),
        ("/status/conditions", "[]"),
        ("/status/conditions", "null"),
        ("/status/conditions", "{}"),
        ("/status/certificate", "\"AAEC\""),
        ("/status/certificate", "\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBRUMKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=\""),
        (
            "/status/certificate",
            "\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUFBPQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K\"",
        ),
        ("/status/certificate", "\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1BQT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=\""),
        ("/status/certificate", "\"\""),
        ("/status/certificate", "null"),
        ("/status/odd", "1"),
        ("/spec/usages", "[]"),
        ("/metadata/labels", "{\"app\":\"status\"}"),
    ],
    extras: &[
        approval("approve", APPROVED),
        approval("approve again", APPROVED),
        approval(
            "deny",
            r#"{"metadata":{"labels":{"app":"denied"}},"status":{"conditions":[{"type":"Denied","status":"True","lastUpdateTime":"2026-01-01T00:00:00Z"}]}}"#,
        ),
        approval(
            "approve and deny",
            r#"{"status":{"conditions":[{"type":"Approved","status":"True"},{"type":"Denied","status":"True"}]}}"#,
        ),
        approval("approve a little", r#"{"status":{"conditions":[{"type":"Approved","status":"Unknown"}]}}"#),
        approval("take back", r#"{"status":{"conditions":null}}"#),
        approval("sign", r#"{"status":{"certificate":"AAEC"},"spec":{"usages":[]}}"#),
        Extra { what: "get the approval", method: "GET", path: "/approval", content_type: MERGE, body: "" },
        Extra {
            what: "approve nobody",
            method: "POST",
            path: "/approval",
            content_type: "application/json",
            body: "{}",
        },
    ],
    ..Kind::DEFAULT
}];

const fn approval(what: &'static str, body: &'static str) -> Extra {
    Extra { what, method: "PATCH", path: "/approval", content_type: MERGE, body }
}

fn request(dice: &mut Dice, _: &str) -> Value {
    let signer = *dice.one(&["example.com/signer", "kubernetes.io/kube-apiserver-client"]);
    let mut spec =
        json!({"request": *dice.one(&REQUESTS), "signerName": signer, "usages": ["digital signature", "client auth"]});
    if dice.once_in(3) {
        spec["usages"] = json!(["server auth"]);
    }
    if dice.once_in(3) {
        spec["expirationSeconds"] = (*dice.one(&[600, 86_400, 7_200])).into();
    }
    json!({"spec": spec})
}

fn status(dice: &mut Dice) -> Value {
    let mut status = json!({"certificate": CERTIFICATE});
    match dice.below(4) {
        0 => status["conditions"] = json!([{"type": "Failed", "status": "True", "reason": "Lost"}]),
        1 => {
            let time = "2026-01-01T00:00:00Z";
            let condition =
                json!({"type": "Seen", "status": "False", "lastTransitionTime": time, "message": "by nobody"});
            status = json!({"conditions": [condition]});
        }
        _ => {}
    }
    status
}
