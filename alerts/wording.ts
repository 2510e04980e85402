/** What a notification says, in the policy's language. Pure. */
import type { Notice, NoticeKind } from '../pipeline/alert.ts'
import type { AlertPolicy } from '../pipeline/alert-policy.ts'

const heads: Readonly<Record<AlertPolicy['language'], Readonly<Record<NoticeKind, string>>>> = {
  en: { firing: 'FIRING', 'still-firing': 'STILL FIRING', resolved: 'RESOLVED', test: 'TEST' },
  'zh-CN': { firing: '告警', 'still-firing': '持续告警', resolved: '已恢复', test: '测试' },
}

/** One line: `[FIRING] Too many errors · prod/2048`. */
export function subjectOf(policy: AlertPolicy, { kind }: Notice): string {
  const place = policy.app === undefined ? policy.cluster : `${policy.cluster}/${policy.app}`
  return `[${heads[policy.language][kind]}] ${policy.name} · ${place}`
}

/** The lines under it: what was counted, over which query and window, since when, and where to look. */
export function linesOf(policy: AlertPolicy, notice: Notice, link: string | undefined): string[] {
  const chinese = policy.language === 'zh-CN'
  const seconds = policy.windowMs / 1000
  const query = policy.query === '' ? (chinese ? '全部日志' : 'all lines') : policy.query
  const value = notice.value === undefined ? '–' : String(notice.value)
  const { detail } = notice
  return [
    chinese ? `条件：${conditionText(policy)}` : `Condition: ${conditionText(policy)}`,
    chinese ? `数值：${value}（最近 ${seconds} 秒）` : `Value: ${value} in the last ${seconds} s`,
    ...(detail === undefined ? [] : [chinese ? `详情：${detail}` : `Detail: ${detail}`]),
    chinese ? `查询：${query}` : `Query: ${query}`,
    chinese ? `时间：${new Date(notice.at).toISOString()}` : `Time: ${new Date(notice.at).toISOString()}`,
    ...(link === undefined ? [] : [link]),
  ]
}

function conditionText({ condition, language }: AlertPolicy): string {
  const chinese = language === 'zh-CN'
  switch (condition.kind) {
    case 'count': {
      const { comparison, events } = condition
      if (chinese) return `行数${comparison === 'over' ? '大于' : '小于'} ${events}`
      return `${comparison === 'over' ? 'more' : 'fewer'} than ${events} lines`
    }
    case 'no-lines':
      return chinese ? '没有任何日志' : 'no lines at all'
    case 'error-share':
      return chinese ? `错误占比大于 ${condition.percent}%` : `errors are more than ${condition.percent} % of the lines`
    case 'new-pattern':
      return chinese ? '出现新的日志模式' : 'lines of a new shape'
  }
}
