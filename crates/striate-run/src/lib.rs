//! Recipes, the plan of steps, the content-addressed run store
