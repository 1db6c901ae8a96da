export { type SimulationOptions, type SimulationStats, startSimulation } from './simulation.ts'
