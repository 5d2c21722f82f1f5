//! Figures for the manager: KPIs, non-target share in minutes and money, staffing.
