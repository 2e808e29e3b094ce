"""The doctor: what is wrong with a network, its data and its training, with evidence and what to try."""

from glassgrad.doctor.evidence import Evidence
from glassgrad.doctor.examination import diagnose
from glassgrad.doctor.findings import Diagnosis, Finding
from glassgrad.doctor.illnesses import ILLNESSES, Illness
from glassgrad.doctor.thresholds import THRESHOLDS, Threshold
from glassgrad.doctor.watching import Doctor

__all__ = ["ILLNESSES", "THRESHOLDS", "Diagnosis", "Doctor", "Evidence", "Finding", "Illness", "Threshold", "diagnose"]
