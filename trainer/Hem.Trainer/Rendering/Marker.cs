namespace Hem.Trainer.Rendering;

/// <summary>A ball that is drawn into a scene for people; agents never see one. Place and radius in m, colour and opacity 0..1.</summary>
internal readonly record struct Marker(double X, double Y, double Z, double Radius, float Red, float Green, float Blue, float Opacity);
