import { Option } from 'commander'
import { FAILOVERS } from './failover.ts'

/** Of options that may be repeated. */
export const several = (text: string, before: readonly string[]): readonly string[] => [...before, text]
export const commas = (text: string): readonly string[] => text.split(',')

export const logLevel = (): Option =>
  new Option('--log-level <level>', 'least important lines to write').choices(['debug', 'info', 'warn', 'error']).default('info')

export const failover = (meaning: string): Option => new Option('--failover <speed>', meaning).choices(FAILOVERS)
