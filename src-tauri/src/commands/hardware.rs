//! The machine: what it is, its measurement, and how predictions held.

use tauri::ipc::Channel;
use wick::hardware::{HardwareReport, KeptCalibration, Measurement};

use super::{Answer, Shared};

#[tauri::command]
pub async fn hardware_inspect(desktop: Shared<'_>) -> Answer<HardwareReport> {
    Ok(desktop.wick()?.hardware().await?)
}

#[tauri::command]
pub async fn hardware_calibrate(
    desktop: Shared<'_>,
    on_progress: Channel<f32>,
) -> Answer<KeptCalibration> {
    let wick = desktop.wick()?;
    let progress = |fraction| drop(on_progress.send(fraction));
    Ok(wick.calibrate(progress).await?)
}

#[tauri::command(async)]
pub fn hardware_cancel_calibration(desktop: Shared<'_>) -> Answer<()> {
    desktop.wick()?.cancel_calibration();
    Ok(())
}

#[tauri::command]
pub async fn hardware_measurements(desktop: Shared<'_>) -> Answer<Vec<Measurement>> {
    Ok(desktop.wick()?.measurements().await?)
}
