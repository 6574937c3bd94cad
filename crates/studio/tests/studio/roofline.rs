//! Why a render took as long as it did.

use std::sync::atomic::Ordering;

use crate::fake::{Desk, ear, fox, hear};
use likeness_studio::api::RenderEvent;
use serde_json::{Value, json};

fn roofline(desk: &Desk, measure: bool) -> Value {
    desk.call("roofline", json!({ "measure": measure }))
}

#[test]
fn the_last_render_stands_beside_what_the_machine_can_do() {
    let desk = Desk::new();
    let before = roofline(&desk, false);
    assert_eq!(before, json!({ "render": null, "machine": null, "busy": false }));

    desk.picture(&fox());
    let unmeasured = roofline(&desk, false);
    let rows = unmeasured["render"]["rows"].as_array().unwrap();
    assert_eq!((&rows[0]["kind"], &rows[0]["numbers"]), (&json!("product"), &json!("bf16")));
    assert_eq!((&rows[0]["limit_gflops"], &rows[1]["gflops"]), (&json!(null), &json!(null)));
    assert_eq!(desk.stage.measured.load(Ordering::Relaxed), 0, "nobody asked for it");

    let told = roofline(&desk, true);
    let row = &told["render"]["rows"][0];
    assert_eq!((&row["limit_gflops"], &row["bound"]), (&json!(1000.0), &json!("compute")));
    assert_eq!((&row["gflops"], &row["share_of_limit"]), (&json!(500.0), &json!(0.5)));
    assert_eq!(told["machine"]["gigabytes"], 10.0);
    assert_eq!(told["render"]["seconds"], 0.5);
    roofline(&desk, true);
    assert_eq!(desk.stage.measured.load(Ordering::Relaxed), 1, "once is enough");
}

#[test]
fn a_machine_that_is_busy_is_not_measured() {
    let desk = Desk::new();
    desk.stage.shut();
    let (channel, heard) = ear();
    desk.studio().call("live", json!({ "request": fox() }), Some(channel)).unwrap();
    desk.stage.wait_for_render();
    let told = roofline(&desk, true);
    assert_eq!((&told["busy"], &told["machine"]), (&json!(true), &json!(null)));
    desk.stage.open();
    hear(&heard, |event| matches!(event, RenderEvent::Drafted { .. }));
    assert_eq!(roofline(&desk, false)["render"]["job"], 0, "a draft counts too");
}
