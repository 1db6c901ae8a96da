import type { Places } from './places.ts'

/** Periods in which requests can be limited, in seconds, and what keeps the counts of each. */
const TABLES = [
  [1, 'seconds'],
  [60, 'minutes'],
  [3600, 'hours'],
] as const
/** A request is counted for so many limits at most; the first counter is the breaker's. */
const LIMITS = [1, 2] as const

/**
 * What all backends say for those whose Service has a policy: for all others the first line is the last one, and the second for those whose one policy lets
 * everything pass now, and only counts. The script reads what holds for any other request;
 * what is counted is counted here, since all threads have to see the same. A limit comes before a breaker: what is refused uses no permit of its.
 */
export const governing = ({ governed, policies }: Places): readonly string[] => [
  `  http-request allow if !{ be_name,map_str(${governed}) -m found }`,
  `  http-request set-var(txn.policy) be_name,map_str(${governed}),map_str(${policies})`,
  '  http-request allow if { var(txn.policy) -m found }',
  '  http-request lua.govern',
  ...LIMITS.flatMap((at) => [
    ...TABLES.map(
      ([period, table]) => `  http-request track-sc${at} var(txn.limit${at}) table ${table} if { var(txn.period${at}) -m int ${period} }`,
    ),
    `  http-request lua.shed l if { var(txn.limit${at}) -m found } { sc${at}_gpc0_rate,sub(txn.most${at}) ge 0 }`,
  ]),
  ...LIMITS.map((at) => `  http-request sc-inc-gpc0(${at}) if { var(txn.limit${at}) -m found }`),
  '  http-request track-sc0 var(txn.probe) table probes if { var(txn.probe) -m found }',
  '  http-request lua.shed b if { var(txn.probe) -m found } { sc0_inc_gpc0,sub(txn.permits) gt 0 }',
]

/** Memory is taken for who is in them; of more than that the oldest are forgotten. */
export const governedTables = (): readonly string[] => [
  'backend probes from base',
  '  stick-table type string len 32 size 4k expire 2h store gpc0',
  ...TABLES.flatMap(([period, table]) => [
    `backend ${table} from base`,
    `  stick-table type string len 64 size 100k expire ${period * 2}s store gpc0,gpc0_rate(${period}s)`,
  ]),
]
