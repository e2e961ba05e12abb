from realtime.alerts.views.alert import acknowledge, alert, alerts, waiting

__all__ = ["acknowledge", "alert", "alerts", "waiting"]
