# Put into $CATALINA_BASE/bin/. Everything that Tomcat logs goes to /logs/<host name>/tomcat, where the machine's directory is mounted.
# catalina.sh reads this file before it opens catalina.out.

SHIPLOG_LOGS="${LOGS_ROOT:-/logs}/${HOSTNAME:-$(hostname)}/tomcat"
mkdir -p "$SHIPLOG_LOGS"

# Standard output and error of the server.
CATALINA_OUT="$SHIPLOG_LOGS/catalina.out"
# conf/logging.properties and the access log valve in conf/server.xml use ${shiplog.logs}.
CATALINA_OPTS="$CATALINA_OPTS -Dshiplog.logs=$SHIPLOG_LOGS"
