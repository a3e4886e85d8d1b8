namespace Hem.Trainer.Tasks;

/// <summary>
/// How a row of a network's input lies: the images first, each w x w x 3 floats in 0..1, row by row from the top, red green blue of a
/// pixel together (NHWC): the state's images, then the goal's; then the state's vector, then the goal's.
/// </summary>
/// <param name="StateImages">0, or `frames`: of the state, the latest first.</param>
/// <param name="GoalImages">0 or 1.</param>
/// <param name="ImageSize">w, in pixels; 0 without images.</param>
/// <param name="StateVector">Floats of the state.</param>
/// <param name="GoalVector">Floats of the goal.</param>
internal readonly record struct InputShape(int StateImages, int GoalImages, int ImageSize, int StateVector, int GoalVector)
{
    /// <summary>The shape without images.</summary>
    public static InputShape OfVectors(int state, int goal) => new(0, 0, 0, state, goal);

    /// <summary>Images in a row.</summary>
    public int Images => StateImages + GoalImages;

    /// <summary>Floats of one image.</summary>
    public int ImageFloats => ImageSize * ImageSize * 3;

    /// <summary>Floats of the images; the vectors begin there.</summary>
    public int VectorStart => Images * ImageFloats;

    /// <summary>Floats of a row.</summary>
    public int Total => VectorStart + StateVector + GoalVector;
}
