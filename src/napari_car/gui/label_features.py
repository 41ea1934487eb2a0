"""The features of a label layer: what is known of each label, for the status bar and for names."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from napari.layers import Labels

from napari_car.annotation.correction.instance_table import InstanceTable
from napari_car.annotation.outcome import QuerySummary

from .layer_notes import instances_of

_INDEX, _CLASS, _QUERY = "index", "class", "query"


def make_features(
    old: pd.DataFrame,
    entries: Mapping[int, Mapping[str, Any]],
    summaries: Mapping[int, QuerySummary],
    table: InstanceTable,
) -> pd.DataFrame:
    """Return features: a row for each query, each instance, and each other label that has one already.

    Parameters
    ----------
    old : DataFrame
        Features as they are; columns of others are kept.
    entries : mapping of int to mapping
        Text of each query, by id, as the layer's notes hold it.
    summaries : mapping of int to QuerySummary
        What was found of queries, by id.
    table : InstanceTable
        Instances, those that are gone from the labels, too: undo can bring them back.
    """
    if _INDEX not in old and len(old.columns):
        old = old.assign(**{_INDEX: np.arange(len(old))})  # napari's rule
    rows = old.drop_duplicates(_INDEX, keep="last").set_index(_INDEX) if len(old.columns) else pd.DataFrame()
    is_instance = rows.index.isin(list(table.query_ids))
    queries = _query_rows(rows[~is_instance], entries, summaries)
    if table.query_ids:
        missing = set(table.query_ids.values()) - set(queries[_INDEX])
        queries = pd.concat([queries, pd.DataFrame({_INDEX: sorted(missing), _CLASS: ""})]) if missing else queries
        queries[_QUERY] = queries[_INDEX]
        queries = pd.concat([queries, _instance_rows(rows[is_instance], queries, table)], ignore_index=True)
    first = [_INDEX, _CLASS, *([_QUERY] if _QUERY in queries else [])]
    return queries[[*first, *(name for name in queries if name not in first)]].reset_index(drop=True)


def query_names(layer: Labels) -> dict[int, str]:
    """Return the names of a layer's labels but the instances, as far as its features tell; background has none."""
    features = layer.features
    if not {_INDEX, _CLASS} <= set(features):
        return {}
    rows = features[~features[_INDEX].isin(list(instances_of(layer).query_ids))].dropna(subset=[_CLASS])
    pairs = zip(rows[_INDEX].tolist(), rows[_CLASS].tolist(), strict=True)
    return {int(id_): str(name) for id_, name in pairs if id_ and name}


def label_name(layer: Labels, id_: int) -> str:
    """Return the name of a label; that of an instance is its query's, with a number that never changes."""
    names, table = query_names(layer), instances_of(layer)
    query_id = table.query_of(id_)
    if query_id == id_:
        return names.get(id_, f"label {id_}" if id_ else "background")
    number = table.instances_of(query_id).index(id_) + 1
    return f"{names[query_id]} {number}" if query_id in names else f"label {query_id}, object {number}"


def _query_rows(
    rows: pd.DataFrame, entries: Mapping[int, Mapping[str, Any]], summaries: Mapping[int, QuerySummary]
) -> pd.DataFrame:
    """Return the rows of queries and other labels, background among them."""
    found = {"verdict": "", "score": float("nan")}
    by_id: dict[int, dict[Any, Any]] = {0: {_CLASS: "background"} | ({**found, "verdict": "–"} if entries else {})}
    by_id |= {int(id_): row for id_, row in rows.to_dict("index").items()}
    for id_, entry in entries.items():
        row = found | by_id.get(id_, {}) | {_CLASS: entry["text"]}
        if id_ in summaries:
            row |= {"verdict": summaries[id_].verdict, "score": round(summaries[id_].score, 3)}
        by_id[id_] = row
    return pd.DataFrame([{_INDEX: id_, **by_id[id_]} for id_ in sorted(by_id)])


def _instance_rows(rows: pd.DataFrame, queries: pd.DataFrame, table: InstanceTable) -> pd.DataFrame:
    """Return the rows of instances, with what is known of them already; column by column, since there can be many."""
    ids = np.fromiter(table.query_ids, dtype=np.int64, count=len(table))
    query_ids = np.fromiter(table.query_ids.values(), dtype=np.int64, count=len(table))
    made = rows.reindex(ids)
    made[_CLASS] = queries.set_index(_INDEX)[_CLASS].reindex(query_ids).to_numpy()
    made[_QUERY] = query_ids
    if "verdict" in made:
        made["verdict"] = made["verdict"].fillna("")
    return made.rename_axis(_INDEX).reset_index()
