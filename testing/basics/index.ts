/** The part of testing that loads no server: a file that needs nothing else starts in half the time. */
export { type PropertyRuns, propertyRuns, rounds, testSeconds } from './effort.ts'
export { eventually } from './eventually.ts'
export { freePort } from './free-port.ts'
export { LoginIssuer } from './login-issuer.ts'
export { type ManualClock, manualClock } from './manual-clock.ts'
