/** Events as Tomcat's JULI writes them into catalina.out, now and then with a stack trace. */
import { localParts } from './nginx.ts'
import type { Random } from './random.ts'

const frames = [
  'org.apache.catalina.core.ApplicationFilterChain.doFilter(ApplicationFilterChain.java:140)',
  'org.apache.catalina.core.StandardWrapperValve.invoke(StandardWrapperValve.java:167)',
  'org.apache.catalina.core.StandardContextValve.invoke(StandardContextValve.java:90)',
  'org.apache.catalina.core.StandardHostValve.invoke(StandardHostValve.java:115)',
  'org.apache.coyote.http11.Http11Processor.service(Http11Processor.java:390)',
  'org.apache.tomcat.util.net.NioEndpoint$SocketProcessor.doRun(NioEndpoint.java:1736)',
  'java.base/java.lang.Thread.run(Thread.java:1583)',
]

export function tomcatEvent(random: Random, at: Date): string {
  const date = localParts(at)
  const head = (level: string): string =>
    `${date.day}-${date.monthName}-${date.year} ${date.time}.${date.ms} ${level} [http-nio-8080-exec-${1 + random.below(10)}]`
  const order = `2026${String(random.below(1_000_000)).padStart(6, '0')}`
  if (random.percent(8))
    return `${head('SEVERE')} com.acme.shop.CartServlet.doPost checkout of order ${order} failed\n${trace(random)}`
  if (random.percent(12))
    return `${head('WARNING')} com.acme.shop.Stock.reserve 库存不足 sku=SKU-${1000 + random.below(50)} order=${order}\n`
  return `${head('INFO')} com.acme.shop.CartServlet.doGet cart of order ${order} has ${1 + random.below(9)} items\n`
}

function trace(random: Random): string {
  const [error, cause] = random.pick([
    ['java.net.ConnectException: Connection refused', 'com.acme.shop.PaymentClient.pay(PaymentClient.java:42)'],
    [
      'java.lang.NullPointerException: Cannot invoke "Cart.total()" because "cart" is null',
      'com.acme.shop.CartServlet.total(CartServlet.java:88)',
    ],
    [
      'java.sql.SQLTransientConnectionException: 数据库连接失败: pool exhausted after 30000ms',
      'com.acme.shop.Orders.save(Orders.java:61)',
    ],
  ])
  const at = [cause, 'com.acme.shop.CartServlet.doPost(CartServlet.java:57)', ...frames].map(
    (frame) => `\tat ${frame}\n`,
  )
  return `${error}\n${at.join('')}`
}
