"""Reads Shiplog's records from Kafka with Spark Structured Streaming and keeps two things:

  --archive URI   the records as Parquet, in folders cluster=…/app=…/day=…, on any Hadoop file system (hdfs://, file:, s3a:)
  --counts URI    error counts by cluster, app and minute, as Parquet: one folder for each batch, whose rows are summed by who reads

A topic is at-least-once: after a crash of a shipper the same record may stand on it twice, always with the same id. So
each stream drops repeated ids first. The watermark is on the time of publishing, never on that of the line: a back-fill
of last year's logs is late by its own clock, and not at all by this one.

What a record is: docs/record.md, docs/record.schema.json. The columns come from that schema.
"""

import argparse
import json
import pathlib

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def record_type(schema_path: pathlib.Path) -> t.StructType:
    """The JSON Schema of the record as Spark's columns. `fields` is only in answers of the query API, never on the topic."""
    properties = json.loads(schema_path.read_text("utf-8"))["properties"]
    integers = {name for name, rule in properties.items() if rule.get("type") == "integer" or isinstance(rule.get("const"), int)}
    return t.StructType(
        [
            t.StructField(name, t.LongType() if name in integers else t.StringType())
            for name in properties
            if name != "fields"
        ]
    )


def records(spark: SparkSession, options: argparse.Namespace) -> DataFrame:
    """Each record once, with its columns, `published` and `day` (UTC)."""
    source = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", options.brokers)
        .option("subscribe", options.topic)
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "false" if options.allow_data_loss else "true")
    )
    if options.max_records:
        source = source.option("maxOffsetsPerTrigger", options.max_records)
    parsed = source.load().select(
        f.col("timestamp").alias("published"),
        f.from_json(f.col("value").cast("string"), record_type(options.schema)).alias("record"),
    )
    return (
        parsed.where(f.col("record.id").isNotNull())
        .select("published", "record.*")
        .withColumn("time", f.to_timestamp("time"))
        .withColumn("readAt", f.to_timestamp("readAt"))
        .withColumn("day", f.date_format("time", "yyyy-MM-dd"))
        .withWatermark("published", options.repeats_within)
        .dropDuplicatesWithinWatermark(["id"])
    )


def write_archive(stream: DataFrame, options: argparse.Namespace):
    return (
        stream.writeStream.queryName("archive")
        .format("parquet")
        .option("path", options.archive)
        .option("checkpointLocation", f"{options.checkpoint}/archive")
        .partitionBy("cluster", "app", "day")
        .outputMode("append")
    )


def write_counts(stream: DataFrame, options: argparse.Namespace):
    def write_batch(batch: DataFrame, number: int) -> None:
        # A batch that is run again after a crash writes its folder again: nothing is counted twice.
        (
            batch.where(f.col("level").isin("error", "fatal"))
            .groupBy("cluster", "app", f.date_trunc("minute", "time").alias("minute"))
            .count()
            .withColumnRenamed("count", "errors")
            .write.mode("overwrite")
            .parquet(f"{options.counts}/batch={number}")
        )

    return (
        stream.select("published", "id", "cluster", "app", "time", "level")
        .writeStream.queryName("counts")
        .option("checkpointLocation", f"{options.checkpoint}/counts")
        .outputMode("append")
        .foreachBatch(write_batch)
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--brokers", required=True, help="host:port,host:port")
    arguments.add_argument("--topic", default="logs")
    arguments.add_argument("--archive", required=True, help="folder of the records, for example hdfs://namenode/shiplog/records")
    arguments.add_argument("--counts", required=True, help="folder of the error counts")
    arguments.add_argument("--checkpoint", required=True, help="folder where Spark keeps how far it is; never shared by two jobs")
    arguments.add_argument("--schema", type=pathlib.Path, default=REPOSITORY / "docs" / "record.schema.json")
    arguments.add_argument("--repeats-within", default="2 hours", help="a record comes again within this time after it was published (2 hours)")
    arguments.add_argument("--max-records", type=int, help="records in one batch at the most")
    arguments.add_argument("--allow-data-loss", action="store_true", help="go on where Kafka has deleted what was not read yet")
    arguments.add_argument("--once", action="store_true", help="read what is there and end; else go on for ever")
    options = arguments.parse_args()

    spark = SparkSession.builder.appName("shiplog").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    stream = records(spark, options)
    queries = []
    for writer in (write_archive(stream, options), write_counts(stream, options)):
        queries.append((writer.trigger(availableNow=True) if options.once else writer.trigger(processingTime="30 seconds")).start())
    for query in queries:
        query.awaitTermination()


if __name__ == "__main__":
    main()
