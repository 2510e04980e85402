"""Prints, as one line of JSON, what the example job wrote: `python totals.py ARCHIVE COUNTS`."""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

spark = SparkSession.builder.appName("totals").config("spark.sql.session.timeZone", "UTC").getOrCreate()
archive = spark.read.parquet(sys.argv[1])
by_app = archive.groupBy("cluster", "app").agg(
    f.count("*").alias("records"),
    f.countDistinct("id").alias("ids"),
    f.sum("bytes").alias("bytes"),
    f.sum(f.col("level").isin("error", "fatal").cast("int")).alias("errors"),
    f.sum((f.date_format("time", "yyyy-MM-dd") != f.col("day").cast("string")).cast("int")).alias("misplaced"),
)
counted = spark.read.parquet(sys.argv[2]).groupBy("cluster", "app").agg(f.sum("errors").alias("errors"))
minutes = spark.read.parquet(sys.argv[2]).where(f.date_trunc("minute", "minute") != f.col("minute")).count()
print(
    json.dumps(
        {
            "archive": {f"{row.cluster}/{row.app}": row.asDict() for row in by_app.collect()},
            "errors": {f"{row.cluster}/{row.app}": row.errors for row in counted.collect()},
            "brokenMinutes": minutes,
        },
        ensure_ascii=False,
    )
)
